// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UupsCounter} from "./UupsVariants.sol";

/// @title Its constructor takes an argument, which its code then holds
/// @custom:oz-upgrades-unsafe-allow missing-initializer
contract UupsWithLimit is UupsCounter {
    /// @custom:oz-upgrades-unsafe-allow state-variable-immutable
    uint256 public immutable limit;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(uint256 limit_) {
        limit = limit_;
    }

    function version() external pure returns (string memory) {
        return "2.0.0";
    }
}
