// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Initializable} from "@openzeppelin/contracts-upgradeable/proxy/utils/Initializable.sol";

contract Namespaced is Initializable {
    /// @custom:storage-location erc7201:hardhat-dr.test.Main
    struct Main {
        address keeper;
        uint64 limit;
        uint256 total;
    }

    // keccak256(abi.encode(uint256(keccak256("hardhat-dr.test.Main")) - 1)) & ~bytes32(uint256(0xff))
    function main() internal pure returns (Main storage $) {
        bytes32 slot = keccak256(abi.encode(uint256(keccak256("hardhat-dr.test.Main")) - 1)) & ~bytes32(uint256(0xff));
        assembly {
            $.slot := slot
        }
    }

    function initialize() external initializer {
        main().limit = 5;
        main().total = 6;
    }
}

contract NamespacedAppended is Initializable {
    /// @custom:storage-location erc7201:hardhat-dr.test.Main
    struct Main {
        address keeper;
        uint64 limit;
        uint256 total;
        uint32 rate;
        bool open;
    }

    /// @custom:storage-location erc7201:hardhat-dr.test.More
    struct More {
        bytes32 root;
    }

    function main() internal pure returns (Main storage $) {
        bytes32 slot = keccak256(abi.encode(uint256(keccak256("hardhat-dr.test.Main")) - 1)) & ~bytes32(uint256(0xff));
        assembly {
            $.slot := slot
        }
    }

    function more() internal pure returns (More storage $) {
        bytes32 slot = keccak256(abi.encode(uint256(keccak256("hardhat-dr.test.More")) - 1)) & ~bytes32(uint256(0xff));
        assembly {
            $.slot := slot
        }
    }

    function upgrade() external reinitializer(2) {
        main().rate = 0xabcd;
        main().open = true;
        more().root = keccak256("root");
    }
}

contract NamespacedRetyped is Initializable {
    /// @custom:storage-location erc7201:hardhat-dr.test.Main
    struct Main {
        address keeper;
        uint64 limit;
        bytes32 total;
    }
}
