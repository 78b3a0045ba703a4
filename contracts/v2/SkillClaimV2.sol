// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title SkillClaim 2.0.0, the bad upgrade
/// @notice Remembers who verified a claim. The sample platform's drill rolls this version back.
/// @dev The bug: `verify` was opened to every verifier and forgot to ask whether the caller is one.
/// Rolling back orphans `verifierOf`.
contract SkillClaimV2 is OwnableUpgradeable, PausableUpgradeable {
    struct Claim {
        address claimant;
        bool verified;
        bytes32 skill;
        string evidence;
    }

    Claim[] private _claims;

    mapping(address claimant => uint256[]) private _claimsOf;

    /// @notice Who verified a claim.
    mapping(uint256 id => address) public verifierOf;

    uint256[47] private __gap;

    event SkillClaimed(uint256 indexed id, address indexed claimant, bytes32 indexed skill);
    event ClaimVerified(uint256 indexed id, address indexed verifier);

    error NoSuchClaim(uint256 id);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// @param owner_ The guild: verifies claims, may pause and unpause.
    function initialize(address owner_) external initializer {
        __Ownable_init(owner_);
        __Pausable_init();
    }

    /// @notice Claims a skill for the caller.
    /// @param evidence Where the work can be seen, e.g. an IPFS address.
    /// @return id Of the new claim; claims are numbered from 0.
    function claim(bytes32 skill, string calldata evidence) external whenNotPaused returns (uint256 id) {
        id = _claims.length;
        _claims.push(Claim(msg.sender, false, skill, evidence));
        _claimsOf[msg.sender].push(id);
        emit SkillClaimed(id, msg.sender, skill);
    }

    /// @notice Confirms that a claim is true.
    function verify(uint256 id) external whenNotPaused {
        if (id >= _claims.length) {
            revert NoSuchClaim(id);
        }
        _claims[id].verified = true;
        verifierOf[id] = msg.sender;
        emit ClaimVerified(id, msg.sender);
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function claimCount() external view returns (uint256) {
        return _claims.length;
    }

    function claimAt(uint256 id) external view returns (Claim memory) {
        if (id >= _claims.length) {
            revert NoSuchClaim(id);
        }
        return _claims[id];
    }

    function claimsOf(address claimant) external view returns (uint256[] memory) {
        return _claimsOf[claimant];
    }

    function version() external pure returns (string memory) {
        return "2.0.0";
    }
}
