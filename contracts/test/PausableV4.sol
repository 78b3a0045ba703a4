// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable-v4/access/OwnableUpgradeable.sol";
import {Initializable} from "@openzeppelin/contracts-upgradeable-v4/proxy/utils/Initializable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable-v4/security/PausableUpgradeable.sol";

/// @title A counter on OpenZeppelin 4.9, for a transparent or a zOS proxy
/// @dev 4.9 keeps owner and paused in ordinary slots, with gaps.
contract PausableV4 is Initializable, OwnableUpgradeable, PausableUpgradeable {
    uint256 public count;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_) external virtual initializer {
        __Ownable_init();
        __Pausable_init();
        _transferOwnership(owner_);
    }

    function increment() external whenNotPaused {
        count += 1;
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function version() external pure virtual returns (string memory) {
        return "1.0.0";
    }
}

/// @title The next version of it, with one more variable
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract PausableV4Next is PausableV4 {
    uint256 public limit;

    function setLimit(uint256 limit_) external onlyOwner {
        limit = limit_;
    }

    function version() external pure virtual override returns (string memory) {
        return "2.0.0";
    }
}
