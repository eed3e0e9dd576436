// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// What a machine proved about itself, as the KMS verified it. The tuple and its order are those of
/// the deployed DstackKms and DstackApp contracts.
struct AppBootInfo {
    address appId;
    bytes32 composeHash;
    address instanceId;
    bytes32 deviceId;
    bytes32 mrAggregated;
    bytes32 mrSystem;
    bytes32 osImageHash;
    string tcbStatus;
    string[] advisoryIds;
}

/// What every application contract answers (interface id 0x1e079198).
interface IAppAuth {
    /// @return allowed the machine may have the application's keys
    /// @return reason why not; empty when allowed
    function isAppAllowed(AppBootInfo calldata boot) external view returns (bool allowed, string memory reason);
}

/// The same question with the kind of TEE ("dstack-tdx", "dstack-amd-sev-snp", …), which the
/// baseline's tuple lacks.
interface IAppAuthTee {
    function isAppAllowedOn(AppBootInfo calldata boot, string calldata tee)
        external
        view
        returns (bool allowed, string memory reason);
}
