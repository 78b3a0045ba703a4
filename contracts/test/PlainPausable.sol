// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title Not a proxy: can be paused, never upgraded
contract PlainPausable is Ownable2Step, Pausable {
    uint256 public count;

    constructor(address owner_) Ownable(owner_) {}

    function increment() external whenNotPaused {
        count += 1;
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }
}
