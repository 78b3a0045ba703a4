// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessControlUpgradeable} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

// Implementations that nobody should upgrade or roll back to.

/// @title An Endorsement without upgrade functions: a UUPS proxy that lands here is stuck for ever
contract EndorsementWithoutUups is AccessControlUpgradeable, PausableUpgradeable {
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    function version() external pure returns (string memory) {
        return "0.9.0";
    }
}

/// @title A SkillProfile whose storage means something else
/// @dev Slot 0, a mapping in SkillProfile, is an address here; slot 1, a count, is packed flags.
contract SkillProfileRetyped is OwnableUpgradeable, PausableUpgradeable {
    address public registry;

    bool public open;
    uint64 public profileCount;

    uint256[48] private __gap;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_) external initializer {
        __Ownable_init(owner_);
        __Pausable_init();
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function version() external pure returns (string memory) {
        return "3.0.0";
    }
}

/// @title A SkillProfile whose second initializer reverts, and the upgrade with it, unless it is given a registry
contract SkillProfileWithBadInitializer is OwnableUpgradeable, PausableUpgradeable {
    error RegistryMissing(address registry);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @custom:oz-upgrades-validate-as-initializer
    /// @custom:oz-upgrades-unsafe-allow missing-initializer-call
    function initializeV2(address registry) external reinitializer(2) {
        if (registry.code.length == 0) {
            revert RegistryMissing(registry);
        }
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function version() external pure returns (string memory) {
        return "2.1.0";
    }
}
