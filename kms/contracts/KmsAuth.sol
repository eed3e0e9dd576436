// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {ERC165Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/introspection/ERC165Upgradeable.sol";
import {AppAuth} from "./AppAuth.sol";
import {Governed} from "./Governed.sol";
import {AppBootInfo, IAppAuth, IAppAuthTee} from "./IAppAuth.sol";

/// Which machines may be key servers, which OS images count, and which contracts speak for which
/// application. Functions, events, storage slots 0-9 and reasons are those of the deployed
/// DstackKms; the rest is ours.
contract KmsAuth is Governed, ERC165Upgradeable, IAppAuth, IAppAuthTee {
    struct KmsInfo {
        bytes k256Pubkey;
        bytes caPubkey;
        bytes quote;
        bytes eventlog;
    }

    KmsInfo public kmsInfo; // slots 0-3
    string public gatewayAppId; // slot 4
    mapping(address app => bool) public registeredApps; // slot 5
    mapping(bytes32 mr => bool) public kmsAllowedAggregatedMrs; // slot 6
    mapping(bytes32 device => bool) public kmsAllowedDeviceIds; // slot 7
    mapping(bytes32 osImageHash => bool) public allowedOsImages; // slot 8
    address public appImplementation; // slot 9
    uint256[50] private __gap;

    event AppRegistered(address appId);
    event AppDeployedViaFactory(address indexed appId, address indexed deployer);
    event AppImplementationSet(address implementation);
    event KmsInfoSet(bytes k256Pubkey);
    event GatewayAppIdSet(string gatewayAppId);
    event KmsAggregatedMrAdded(bytes32 mrAggregated);
    event KmsAggregatedMrRemoved(bytes32 mrAggregated);
    event KmsDeviceAdded(bytes32 deviceId);
    event KmsDeviceRemoved(bytes32 deviceId);
    event OsImageHashAdded(bytes32 osImageHash);
    event OsImageHashRemoved(bytes32 osImageHash);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_, address appImpl) external initializer {
        __Governed_init(owner_);
        if (appImpl != address(0)) _setAppImplementation(appImpl);
    }

    // --- the KMS's own identity, for people who look it up

    function setKmsInfo(KmsInfo calldata info) external onlyPolicy {
        kmsInfo = info;
        emit KmsInfoSet(info.k256Pubkey);
        _record("kms-info", keccak256(info.k256Pubkey), true);
    }

    function setKmsQuote(bytes calldata quote) external onlyPolicy {
        kmsInfo.quote = quote;
    }

    function setKmsEventlog(bytes calldata eventlog) external onlyPolicy {
        kmsInfo.eventlog = eventlog;
    }

    function setGatewayAppId(string calldata id) external onlyPolicy {
        gatewayAppId = id;
        emit GatewayAppIdSet(id);
        _record("gateway-app-id", keccak256(bytes(id)), true);
    }

    // --- which machines may be key servers

    function addKmsAggregatedMr(bytes32 mr) external onlyPolicy {
        kmsAllowedAggregatedMrs[mr] = true;
        emit KmsAggregatedMrAdded(mr);
        _record("kms-aggregated-mr", mr, true);
    }

    function removeKmsAggregatedMr(bytes32 mr) external onlyTightening {
        kmsAllowedAggregatedMrs[mr] = false;
        emit KmsAggregatedMrRemoved(mr);
        _record("kms-aggregated-mr", mr, false);
    }

    function addKmsDevice(bytes32 deviceId) external onlyPolicy {
        kmsAllowedDeviceIds[deviceId] = true;
        emit KmsDeviceAdded(deviceId);
        _record("kms-device", deviceId, true);
    }

    function removeKmsDevice(bytes32 deviceId) external onlyTightening {
        kmsAllowedDeviceIds[deviceId] = false;
        emit KmsDeviceRemoved(deviceId);
        _record("kms-device", deviceId, false);
    }

    function addOsImageHash(bytes32 osImageHash) external onlyPolicy {
        allowedOsImages[osImageHash] = true;
        emit OsImageHashAdded(osImageHash);
        _record("os-image", osImageHash, true);
    }

    function removeOsImageHash(bytes32 osImageHash) external onlyTightening {
        allowedOsImages[osImageHash] = false;
        emit OsImageHashRemoved(osImageHash);
        _record("os-image", osImageHash, false);
    }

    // --- applications

    function setAppImplementation(address implementation) external onlyPolicy {
        _setAppImplementation(implementation);
    }

    function _setAppImplementation(address implementation) private {
        require(implementation != address(0), "invalid implementation address");
        appImplementation = implementation;
        emit AppImplementationSet(implementation);
        _record("app-implementation", _word(implementation), true);
    }

    /// Anyone: a contract decides for its own address only.
    function registerApp(address appId) public {
        require(appId != address(0), "invalid app address");
        registeredApps[appId] = true;
        emit AppRegistered(appId);
        _record("registered-app", _word(appId), true);
    }

    function deployAndRegisterApp(
        address owner_,
        bool disableUpgrades,
        bool requireTcb,
        bool anyDevice,
        bytes32 deviceId,
        bytes32 composeHash
    ) external returns (address) {
        return _deploy(owner_, disableUpgrades, requireTcb, anyDevice, deviceId, composeHash);
    }

    function deployAndRegisterApp(
        address owner_,
        bool disableUpgrades,
        bool anyDevice,
        bytes32 deviceId,
        bytes32 composeHash
    ) external returns (address) {
        return _deploy(owner_, disableUpgrades, false, anyDevice, deviceId, composeHash);
    }

    function _deploy(
        address owner_,
        bool disableUpgrades,
        bool requireTcb,
        bool anyDevice,
        bytes32 deviceId,
        bytes32 composeHash
    ) private returns (address app) {
        require(appImplementation != address(0), "app implementation is not set");
        require(owner_ != address(0), "invalid owner address");
        bytes memory init = abi.encodeWithSignature(
            "initialize(address,bool,bool,bool,bytes32,bytes32)",
            owner_,
            disableUpgrades,
            requireTcb,
            anyDevice,
            deviceId,
            composeHash
        );
        app = address(new ERC1967Proxy(appImplementation, init));
        registerApp(app);
        emit AppDeployedViaFactory(app, msg.sender);
    }

    // --- the questions

    function isKmsAllowed(AppBootInfo calldata boot) external view returns (bool, string memory) {
        if (keccak256(bytes(boot.tcbStatus)) != keccak256("UpToDate")) return (false, "TCB status is not up to date");
        if (!allowedOsImages[boot.osImageHash]) return (false, "OS image is not allowed");
        if (!kmsAllowedAggregatedMrs[boot.mrAggregated]) return (false, "Aggregated MR not allowed");
        if (!kmsAllowedDeviceIds[boot.deviceId]) return (false, "KMS is not allowed to boot on this device");
        return (true, "");
    }

    function isAppAllowed(AppBootInfo calldata boot) external view returns (bool, string memory) {
        string memory reason = _appKnown(boot);
        if (bytes(reason).length != 0) return (false, reason);
        return IAppAuth(boot.appId).isAppAllowed(boot);
    }

    /// With the kind of TEE. An app contract that does not know the question is asked without it.
    function isAppAllowedOn(AppBootInfo calldata boot, string calldata tee)
        external
        view
        returns (bool, string memory)
    {
        string memory reason = _appKnown(boot);
        if (bytes(reason).length != 0) return (false, reason);
        if (ERC165Checker.supportsInterface(boot.appId, type(IAppAuthTee).interfaceId)) {
            return IAppAuthTee(boot.appId).isAppAllowedOn(boot, tee);
        }
        return IAppAuth(boot.appId).isAppAllowed(boot);
    }

    function _appKnown(AppBootInfo calldata boot) private view returns (string memory) {
        if (!registeredApps[boot.appId]) return "App not registered";
        if (!allowedOsImages[boot.osImageHash]) return "OS image is not allowed";
        if (boot.appId.code.length == 0) return "App not deployed or invalid address";
        return "";
    }

    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IAppAuth).interfaceId || id == type(IAppAuthTee).interfaceId || super.supportsInterface(id);
    }
}
