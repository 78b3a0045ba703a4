// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Initializable} from "@openzeppelin/contracts-upgradeable/proxy/utils/Initializable.sol";

enum Status {
    Open,
    Closed
}

enum WiderStatus {
    Open,
    Closed,
    Frozen
}

/// @notice What all others in this folder are compared with.
contract Ledger is Initializable {
    struct Account {
        uint128 balance;
        uint64 since;
    }

    uint256 public deposits;
    uint256 public payouts;
    address public keeper;
    uint64 public limit;
    Status public status;
    mapping(address holder => Account) public accounts;
    string public title;

    uint256[44] private __gap;

    function initialize() external initializer {
        deposits = 11;
        payouts = 22;
        keeper = msg.sender;
        limit = 33;
        status = Status.Closed;
        title = "ledger";
        accounts[msg.sender] = Account(44, 55);
    }

    function close() external {
        status = Status.Closed;
    }
}

/// @notice Takes from the gap, and appends where an upgrade may.
contract LedgerAppended is Initializable {
    struct Account {
        uint128 balance;
        uint64 since;
        uint64 until;
    }

    uint256 public deposits;
    uint256 public payouts;
    address public keeper;
    uint64 public limit;
    WiderStatus public status;
    mapping(address holder => Account) public accounts;
    string public title;
    uint128 public fee;
    bool public frozen;
    uint256[] public queue;
    mapping(address holder => uint256) public vetoes;
    string public motto;
    uint256[2] public pair;
    uint256 public untouched;

    uint256[37] private __gap;

    function initialize() external initializer {}

    function upgrade(WiderStatus status_) external reinitializer(2) {
        status = status_;
        fee = 250;
        frozen = true;
        queue.push(7);
        queue.push(8);
        vetoes[msg.sender] = 9;
        motto = "a motto which is longer than thirty-one bytes";
        pair = [uint256(1), 2];
    }
}

contract LedgerRenamed is Initializable {
    struct Account {
        uint128 amount;
        uint64 since;
    }

    uint256 public income;
    uint256 public payouts;
    address public keeper;
    uint64 public limit;
    Status public status;
    mapping(address holder => Account) public accounts;
    string public title;

    uint256[44] private __gap;

    function initialize() external initializer {}
}

contract LedgerReordered is Initializable {
    struct Account {
        uint128 balance;
        uint64 since;
    }

    uint256 public payouts;
    uint256 public deposits;
    address public keeper;
    uint64 public limit;
    Status public status;
    mapping(address holder => Account) public accounts;
    string public title;

    uint256[44] private __gap;

    function initialize() external initializer {}
}

/// @notice A variable in front of all others: the classic bad upgrade.
contract LedgerInserted is Initializable {
    struct Account {
        uint128 balance;
        uint64 since;
    }

    uint256 public version;
    uint256 public deposits;
    uint256 public payouts;
    address public keeper;
    uint64 public limit;
    Status public status;
    mapping(address holder => Account) public accounts;
    string public title;

    uint256[43] private __gap;

    function initialize() external initializer {}
}

contract LedgerRetyped is Initializable {
    struct Account {
        uint128 balance;
        uint64 since;
    }

    uint256 public deposits;
    int256 public payouts;
    address public keeper;
    uint64 public limit;
    bool public status;
    mapping(address holder => Account) public accounts;
    string public title;

    uint256[44] private __gap;

    function initialize() external initializer {}

    function spoil() external {
        payouts = -1;
    }
}

/// @notice Two values where one was, the second beginning in its middle.
contract LedgerSplit is Initializable {
    uint128 public depositsLow;
    uint128 public depositsHigh;
    uint256 public payouts;

    function initialize() external initializer {}
}

contract LedgerMappingRetyped is Initializable {
    struct Account {
        uint64 since;
        uint128 balance;
    }

    uint256 public deposits;
    uint256 public payouts;
    address public keeper;
    uint64 public limit;
    Status public status;
    mapping(address holder => Account) public accounts;
    string public title;

    uint256[44] private __gap;

    function initialize() external initializer {}
}

/// @notice Without what Ledger has at its end.
contract LedgerShortened is Initializable {
    struct Account {
        uint128 balance;
        uint64 since;
    }

    uint256 public deposits;
    uint256 public payouts;
    address public keeper;
    uint64 public limit;
    Status public status;
    mapping(address holder => Account) public accounts;

    uint256[45] private __gap;

    function initialize() external initializer {}
}

/// @notice Members of one type, so that only their names tell that they changed places.
contract Pairs {
    struct Pair {
        uint256 left;
        uint256 right;
    }

    mapping(address holder => Pair) public pairs;
}

contract PairsSwapped {
    struct Pair {
        uint256 right;
        uint256 left;
    }

    mapping(address holder => Pair) public pairs;
}

contract Tree {
    struct Node {
        uint256 value;
        mapping(uint256 index => Node) children;
    }

    Node private _root;
    uint256 public size;
}

contract TreeDoubled {
    struct Node {
        uint256 value;
        mapping(uint256 index => Node) children;
    }

    Node private _root;
    uint256 public size;
    uint256 public depth;
}

contract Packed {
    uint64 public first;
    uint128 public amount;
}

/// @notice The same variable, eight bytes further down.
contract PackedShifted {
    uint128 public amount;
}
