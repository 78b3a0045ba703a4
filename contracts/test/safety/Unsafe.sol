// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Whatever an implementation must not do.
contract WithConstructor {
    uint256 public total;

    constructor() {
        total = 1;
    }
}

contract WithDelegatecall {
    function run(address target) external {
        (bool done, ) = target.delegatecall("");
        require(done);
    }
}

abstract contract NeverDeployed {
    function missing() external virtual;
}

/// @notice Safe behind a transparent proxy; behind a UUPS one it could never be replaced.
contract WithoutUpgradeTo {
    uint256 public total;
}
