// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

interface Friend {}

type Fixed is uint128;

enum Three {
    One,
    Two,
    Three
}

struct Small {
    uint8 a;
    bool b;
}

struct Nested {
    uint8 head;
    Small small;
    Small[3] smalls;
    uint8 tail;
}

/// @notice One of every type that takes room, in an order that makes solc pad.
contract EveryType {
    uint8 internal _uint8;
    bool internal _bool;
    address internal _address;
    address payable internal _payable;
    Friend internal _friend;
    bytes1 internal _bytes1;
    bytes32 internal _bytes32;
    int24 internal _int24;
    Three internal _three;
    Fixed internal _fixed;
    function(uint256) external returns (uint256) internal _external;
    Small internal _small;
    uint16 internal _uint16;
    Nested internal _nested;
    uint8[33] internal _bytesInTwoSlots;
    uint24[11] internal _ofThree;
    address[3] internal _addresses;
    uint128[3] internal _halves;
    uint8[2][3] internal _grid;
    uint256[] internal _dynamic;
    Small[2][] internal _mixed;
    mapping(Three => mapping(Fixed => Nested)) internal _mapping;
    string internal _string;
    bytes internal _bytes;
    uint8 internal _last;
    uint128 internal transient _passing;

    function touch() external {
        _passing = 1;
    }
}

/// @notice Immutables are filled in at deployment, so the code differs from the artifact's.
contract Stamped {
    uint256 public immutable stamp;
    address private immutable _self = address(this);
    uint256 public count;

    constructor(uint256 stamp_) {
        stamp = stamp_;
    }

    function self() external view returns (address) {
        return _self;
    }
}

library Doubling {
    function double(uint256 value) external pure returns (uint256) {
        return 2 * value;
    }
}

contract Linked {
    uint256 public total;

    function add(uint256 value) external {
        total += Doubling.double(value);
    }
}

/// @notice The same code as TwinB, but for its metadata.
contract TwinA {
    uint256 public count;
}

contract TwinB {
    uint256 public count;
}
