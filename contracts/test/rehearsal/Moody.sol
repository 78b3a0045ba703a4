// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Pauses in words of its own, and some of its views with it
contract Moody {
    address public owner = msg.sender;
    bool public paused;
    uint256 public uses;

    function use() external {
        require(!paused, "asleep");
        uses += 1;
    }

    function pause() external {
        require(msg.sender == owner, "not the owner");
        paused = true;
    }

    function unpause() external {
        require(msg.sender == owner, "not the owner");
        paused = false;
    }

    function mood() external view returns (uint256) {
        return paused ? 1 : 2;
    }

    function price() external view returns (uint256) {
        require(!paused, "asleep");
        return 3;
    }

    function height() external view returns (uint256) {
        return block.number;
    }

    function now_() external view returns (uint256) {
        return block.timestamp;
    }
}
