// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

// UUPS contracts that go wrong in ways a recovery meets. All keep the same storage.

/// @title What they share: an owner, a pause and a counter
abstract contract UupsCounter is OwnableUpgradeable, PausableUpgradeable, UUPSUpgradeable {
    uint256 public count;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_) external initializer {
        __Ownable_init(owner_);
        __Pausable_init();
    }

    function increment() external whenNotPaused {
        count += 1;
    }

    function pause() external virtual onlyOwner {
        _pause();
    }

    function unpause() external virtual onlyOwner {
        _unpause();
    }

    function _authorizeUpgrade(address) internal virtual override onlyOwner {}
}

/// @title Nothing wrong with it
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsV5 is UupsCounter {
    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

/// @title Can't be upgraded while paused
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsPauseBlocksUpgrade is UupsCounter {
    function version() external pure returns (string memory) {
        return "2.0.0";
    }

    function _authorizeUpgrade(address) internal override onlyOwner whenNotPaused {}
}

/// @title The same, and while it is paused it says so to everybody alike
contract UupsPauseBlocksUpgradeFirst is UupsCounter {
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    function _authorizeUpgrade(address) internal override whenNotPaused onlyOwner {}
}

/// @title Refuses every upgrade, its owner's too
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsFrozen is UupsCounter {
    uint256 public constant FROZEN_UNTIL = type(uint64).max;

    error UpgradesAreFrozen();

    function version() external pure returns (string memory) {
        return "2.0.0";
    }

    function _authorizeUpgrade(address) internal view override {
        if (block.timestamp < FROZEN_UNTIL) {
            revert UpgradesAreFrozen();
        }
    }
}

/// @title Reverts when its owner pauses
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsPauseReverts is UupsCounter {
    error NotNow();

    function pause() external pure override {
        revert NotNow();
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

/// @title Pauses only in name: `pause()` succeeds and `paused()` stays false
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsPauseDoesNothing is UupsCounter {
    function pause() external override onlyOwner {}

    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

/// @title Its version is a number
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsNumericVersion is UupsCounter {
    function version() external pure returns (uint256) {
        return 7;
    }
}

/// @title Has no version
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsWithoutVersion is UupsCounter {}
