// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @title Counts whatever it is told to
contract Counter {
    uint256 public count;

    function increment() external {
        count += 1;
    }
}

/// @title A pause that does more than its name says
contract Meddling is OwnableUpgradeable, PausableUpgradeable {
    uint256 public fee;
    mapping(address => uint256) public pauses;
    Counter public elsewhere;
    address payable public sink;

    function initialize(address owner_, Counter elsewhere_, address payable sink_) external payable initializer {
        __Ownable_init(owner_);
        __Pausable_init();
        fee = 5;
        elsewhere = elsewhere_;
        sink = sink_;
    }

    function pause() external onlyOwner {
        _pause();
        fee = 0;
        pauses[msg.sender] += 1;
        elsewhere.increment();
        sink.transfer(address(this).balance);
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function use() external whenNotPaused {
        fee += 1;
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}

/// @title Pauses, and changes a neighbour of the flag in the same slot
contract PackedMeddling {
    address public owner = msg.sender;
    bool public paused;
    uint8 public level = 3;

    function pause() external {
        require(msg.sender == owner, "not the owner");
        paused = true;
        level = 4;
    }

    function unpause() external {
        require(msg.sender == owner, "not the owner");
        paused = false;
    }
}

/// @title A pause that leaves a contract behind
contract Spawning {
    address public owner = msg.sender;
    bool public paused;

    function pause() external {
        require(msg.sender == owner, "not the owner");
        paused = true;
        new Counter();
    }

    function unpause() external {
        require(msg.sender == owner, "not the owner");
        paused = false;
    }
}
