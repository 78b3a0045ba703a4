// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title SkillProfile 2.0.0, the bad upgrade
/// @notice Adds reputation. The sample platform's drill rolls this version back.
/// @dev The bug: `register` asks for a reputation that only members can earn, so nobody new can register.
/// Rolling back orphans `minimumReputation` and `reputationOf`, and leaves the initializer's version at 2.
contract SkillProfileV2 is OwnableUpgradeable, PausableUpgradeable {
    struct Profile {
        string name;
        string craft;
        uint64 registeredAt;
    }

    mapping(address member => Profile) private _profiles;

    /// @notice How many members there are.
    uint256 public profileCount;

    /// @notice What a member needs to take part.
    uint256 public minimumReputation;

    mapping(address member => uint256) public reputationOf;

    uint256[46] private __gap;

    event ProfileRegistered(address indexed member, string name, string craft);
    event CraftChanged(address indexed member, string craft);
    event ReputationEarned(address indexed member, uint256 points);

    error AlreadyRegistered(address member);
    error NotRegistered(address member);
    error NotReputable(address member, uint256 reputation);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @param owner_ May pause, unpause and reward.
    function initialize(address owner_) external initializer {
        __Ownable_init(owner_);
        __Pausable_init();
    }

    /// @notice Run once, in the transaction of the upgrade.
    /// @custom:oz-upgrades-validate-as-initializer
    /// @custom:oz-upgrades-unsafe-allow missing-initializer-call
    function initializeV2(uint256 minimumReputation_) external reinitializer(2) {
        minimumReputation = minimumReputation_;
    }

    /// @notice Registers the caller, once.
    function register(string calldata name, string calldata craft) external whenNotPaused {
        if (reputationOf[msg.sender] < minimumReputation) {
            revert NotReputable(msg.sender, reputationOf[msg.sender]);
        }
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

    /// @notice Gives points to a member.
    function reward(address member, uint256 points) external onlyOwner {
        if (!isRegistered(member)) {
            revert NotRegistered(member);
        }
        reputationOf[member] += points;
        emit ReputationEarned(member, points);
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
        return "2.0.0";
    }
}
