// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable-v4/proxy/utils/UUPSUpgradeable.sol";

import {PausableV4} from "./PausableV4.sol";

/// @title A counter on OpenZeppelin 4.9 that upgrades itself
/// @dev 4.9 has `upgradeTo` beside `upgradeToAndCall`, and no UPGRADE_INTERFACE_VERSION.
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsV4 is PausableV4, UUPSUpgradeable {
    function _authorizeUpgrade(address) internal override onlyOwner {}
}

/// @title The next version of it, with one more variable
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsV4Next is UupsV4 {
    uint256 public limit;

    function setLimit(uint256 limit_) external onlyOwner {
        limit = limit_;
    }

    function version() external pure override returns (string memory) {
        return "2.0.0";
    }
}
