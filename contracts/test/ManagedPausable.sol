// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManagedUpgradeable} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title An AccessManager says who may pause and upgrade it, and after which delay
contract ManagedPausable is AccessManagedUpgradeable, PausableUpgradeable, UUPSUpgradeable {
    uint256 public count;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address manager) external initializer {
        __AccessManaged_init(manager);
        __Pausable_init();
    }

    function increment() external whenNotPaused {
        count += 1;
    }

    function pause() external restricted {
        _pause();
    }

    function unpause() external restricted {
        _unpause();
    }

    function version() external pure virtual returns (string memory) {
        return "1.0.0";
    }

    function _authorizeUpgrade(address) internal override restricted {}
}

/// @title The next version of it, with one more variable
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract ManagedPausableNext is ManagedPausable {
    uint256 public limit;

    function version() external pure override returns (string memory) {
        return "2.0.0";
    }
}
