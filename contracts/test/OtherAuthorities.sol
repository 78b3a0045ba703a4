// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title Pausing as in USDC: a `pauser` of its own beside the owner, no AccessControl
contract PauserPausable is OwnableUpgradeable, PausableUpgradeable {
    address public pauser;

    uint256 public count;

    error NotPauser(address caller);

    modifier onlyPauser() {
        if (msg.sender != pauser) {
            revert NotPauser(msg.sender);
        }
        _;
    }

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_, address pauser_) external initializer {
        __Ownable_init(owner_);
        __Pausable_init();
        pauser = pauser_;
    }

    function increment() external whenNotPaused {
        count += 1;
    }

    function pause() external onlyPauser {
        _pause();
    }

    function unpause() external onlyPauser {
        _unpause();
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

/// @title An owner whose kind nobody knows: it passes on what its own guardian sends
contract UnknownOwner {
    address private immutable _guardian = msg.sender;

    error NotGuardian(address caller);

    function forward(address target, bytes calldata data) external returns (bytes memory) {
        if (msg.sender != _guardian) {
            revert NotGuardian(msg.sender);
        }
        (bool success, bytes memory result) = target.call(data);
        require(success, "forward failed");
        return result;
    }
}
