// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

/// @title zOS's AdminUpgradeabilityProxy, which USDC and the first Aave and Compound-like systems still use
/// @dev Its slots are plain hashes, from before EIP-1967. No package with it compiles on a current solc.
contract ZosProxy is Proxy {
    /// @dev keccak256("org.zeppelinos.proxy.implementation")
    bytes32 private constant IMPLEMENTATION_SLOT =
        0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3;

    /// @dev keccak256("org.zeppelinos.proxy.admin")
    bytes32 private constant ADMIN_SLOT =
        0x10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b;

    /// @dev Neither was indexed in zOS.
    event Upgraded(address implementation);
    event AdminChanged(address previousAdmin, address newAdmin);

    /// @dev The admin's calls stay here; everybody else's go to the implementation.
    modifier ifAdmin() {
        if (msg.sender == _load(ADMIN_SLOT)) {
            _;
        } else {
            _fallback();
        }
    }

    constructor(address implementation_, address admin_, bytes memory data) payable {
        assert(IMPLEMENTATION_SLOT == keccak256("org.zeppelinos.proxy.implementation"));
        assert(ADMIN_SLOT == keccak256("org.zeppelinos.proxy.admin"));
        _setImplementation(implementation_);
        _store(ADMIN_SLOT, admin_);
        if (data.length > 0) {
            _delegateOrRevert(data);
        }
    }

    receive() external payable {
        _fallback();
    }

    function admin() external ifAdmin returns (address) {
        return _load(ADMIN_SLOT);
    }

    function implementation() external ifAdmin returns (address) {
        return _implementation();
    }

    function changeAdmin(address newAdmin) external ifAdmin {
        require(newAdmin != address(0), "Cannot change the admin of a proxy to the zero address");
        emit AdminChanged(_load(ADMIN_SLOT), newAdmin);
        _store(ADMIN_SLOT, newAdmin);
    }

    function upgradeTo(address newImplementation) external ifAdmin {
        _upgradeTo(newImplementation);
    }

    function upgradeToAndCall(address newImplementation, bytes calldata data) external payable ifAdmin {
        _upgradeTo(newImplementation);
        _delegateOrRevert(data);
    }

    function _implementation() internal view override returns (address) {
        return _load(IMPLEMENTATION_SLOT);
    }

    function _fallback() internal override {
        require(msg.sender != _load(ADMIN_SLOT), "Cannot call fallback function from the proxy admin");
        super._fallback();
    }

    function _upgradeTo(address newImplementation) private {
        _setImplementation(newImplementation);
        emit Upgraded(newImplementation);
    }

    function _setImplementation(address newImplementation) private {
        require(
            newImplementation.code.length > 0,
            "Cannot set a proxy implementation to a non-contract address"
        );
        _store(IMPLEMENTATION_SLOT, newImplementation);
    }

    function _delegateOrRevert(bytes memory data) private {
        (bool success, ) = _implementation().delegatecall(data);
        require(success);
    }

    function _load(bytes32 slot) private view returns (address value) {
        assembly {
            value := sload(slot)
        }
    }

    function _store(bytes32 slot, address value) private {
        assembly {
            sstore(slot, value)
        }
    }
}
