// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessControlUpgradeable} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @title Endorsement
/// @notice One member vouches for another's skill.
/// @dev UUPS: the proxy upgrades itself, on the word of an UPGRADER_ROLE. Namespaced storage (ERC-7201).
contract Endorsement is AccessControlUpgradeable, PausableUpgradeable, UUPSUpgradeable {
    /// @custom:storage-location erc7201:takumi.storage.Endorsement
    struct EndorsementStorage {
        mapping(address member => mapping(bytes32 skill => address[])) endorsers;
        mapping(address endorser => mapping(address member => mapping(bytes32 skill => bool))) hasEndorsed;
        uint256 total;
    }

    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    bytes32 public constant UPGRADER_ROLE = keccak256("UPGRADER_ROLE");

    // keccak256(abi.encode(uint256(keccak256("takumi.storage.Endorsement")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE_SLOT =
        0x6b3e2d6767a827649eff7ec5f3fb6d5d384b7840c1ea814376338a67a0b7e400;

    event Endorsed(address indexed endorser, address indexed member, bytes32 indexed skill);

    error AlreadyEndorsed(address endorser, address member, bytes32 skill);
    error CannotEndorseSelf(address member);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @param admin Gets every role; it can hand them on.
    function initialize(address admin) external initializer {
        __AccessControl_init();
        __Pausable_init();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, admin);
        _grantRole(UPGRADER_ROLE, admin);
    }

    /// @notice Vouches for a member's skill, once.
    function endorse(address member, bytes32 skill) external whenNotPaused {
        if (member == msg.sender) {
            revert CannotEndorseSelf(member);
        }
        EndorsementStorage storage $ = _endorsements();
        if ($.hasEndorsed[msg.sender][member][skill]) {
            revert AlreadyEndorsed(msg.sender, member, skill);
        }
        $.hasEndorsed[msg.sender][member][skill] = true;
        $.endorsers[member][skill].push(msg.sender);
        $.total += 1;
        emit Endorsed(msg.sender, member, skill);
    }

    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }

    /// @notice How many vouch for this skill of this member.
    function endorsementCount(address member, bytes32 skill) external view returns (uint256) {
        return _endorsements().endorsers[member][skill].length;
    }

    function endorsersOf(address member, bytes32 skill) external view returns (address[] memory) {
        return _endorsements().endorsers[member][skill];
    }

    function totalEndorsements() external view returns (uint256) {
        return _endorsements().total;
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    function _authorizeUpgrade(address) internal override onlyRole(UPGRADER_ROLE) {}

    function _endorsements() private pure returns (EndorsementStorage storage $) {
        assembly {
            $.slot := STORAGE_SLOT
        }
    }
}
