// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title SkillProfile
/// @notice The members of Takumi, a platform where craftspeople show what they can do.
/// @dev Lives behind a TransparentUpgradeableProxy. Classic storage variables with a gap at the end.
contract SkillProfile is OwnableUpgradeable, PausableUpgradeable {
    struct Profile {
        string name;
        string craft;
        uint64 registeredAt;
    }

    mapping(address member => Profile) private _profiles;

    /// @notice How many members there are.
    uint256 public profileCount;

    uint256[48] private __gap;

    event ProfileRegistered(address indexed member, string name, string craft);
    event CraftChanged(address indexed member, string craft);

    error AlreadyRegistered(address member);
    error NotRegistered(address member);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @param owner_ May pause and unpause.
    function initialize(address owner_) external initializer {
        __Ownable_init(owner_);
        __Pausable_init();
    }

    /// @notice Registers the caller, once.
    function register(string calldata name, string calldata craft) external whenNotPaused {
        if (isRegistered(msg.sender)) {
            revert AlreadyRegistered(msg.sender);
        }
        _profiles[msg.sender] = Profile(name, craft, uint64(block.timestamp));
        profileCount += 1;
        emit ProfileRegistered(msg.sender, name, craft);
    }

    /// @notice Changes the caller's craft.
    function changeCraft(string calldata craft) external whenNotPaused {
        if (!isRegistered(msg.sender)) {
            revert NotRegistered(msg.sender);
        }
        _profiles[msg.sender].craft = craft;
        emit CraftChanged(msg.sender, craft);
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    /// @return The profile; an empty one when the address never registered.
    function profileOf(address member) external view returns (Profile memory) {
        return _profiles[member];
    }

    function isRegistered(address member) public view returns (bool) {
        return _profiles[member].registeredAt != 0;
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}
