// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Initializable as InitializableV4} from "@openzeppelin/contracts-upgradeable-v4/proxy/utils/Initializable.sol";
import {Initializable} from "@openzeppelin/contracts-upgradeable/proxy/utils/Initializable.sol";

/// @notice Keeps `_initialized` in slot 0.
contract InitializedV4 is InitializableV4 {
    uint240 public total;

    function initialize() external initializer {}

    function upgrade() external reinitializer(3) {}
}

/// @notice The same storage, with `_initialized` in its namespace and slot 0 left alone.
contract InitializedV5 is Initializable {
    uint256[1] private __gap;

    function initialize() external initializer {}
}
