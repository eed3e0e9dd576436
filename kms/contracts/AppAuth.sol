// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC165Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/introspection/ERC165Upgradeable.sol";
import {Governed} from "./Governed.sol";
import {AppBootInfo, IAppAuth, IAppAuthTee} from "./IAppAuth.sol";

/// What one application accepts. The contract's address is the app id. Functions, events, storage
/// slots 0-3 and reasons are those of the deployed DstackApp; the rest is ours.
contract AppAuth is Governed, ERC165Upgradeable, IAppAuth, IAppAuthTee {
    mapping(bytes32 composeHash => bool) public allowedComposeHashes; // slot 0
    bool private _upgradesDisabled; // slot 1
    bool public allowAnyDevice;
    mapping(bytes32 deviceId => bool) public allowedDeviceIds; // slot 2
    bool public requireTcbUpToDate; // slot 3, here the baseline's ends
    bool public restrictOsImages;
    bool public restrictTees;
    mapping(bytes32 osImageHash => bool) public allowedOsImages; // slot 4
    mapping(bytes32 teeHash => bool) private _allowedTees; // slot 5
    mapping(bytes32 advisoryHash => bool) private _deniedAdvisories; // slot 6
    uint256[46] private __gap;

    event ComposeHashAdded(bytes32 composeHash);
    event ComposeHashRemoved(bytes32 composeHash);
    event DeviceAdded(bytes32 deviceId);
    event DeviceRemoved(bytes32 deviceId);
    event AllowAnyDeviceSet(bool allowAny);
    event RequireTcbUpToDateSet(bool requireUpToDate);
    event UpgradesDisabled();
    event OsImageRestrictionSet(bool restricted);
    event OsImageSet(bytes32 osImageHash, bool allowed);
    event TeeRestrictionSet(bool restricted);
    event TeeSet(string tee, bool allowed);
    event AdvisorySet(string advisoryId, bool denied);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_, bool disableUpgrades_, bool anyDevice, bytes32 device, bytes32 compose)
        external
        initializer
    {
        _init(owner_, disableUpgrades_, false, anyDevice, device, compose);
    }

    function initialize(
        address owner_,
        bool disableUpgrades_,
        bool requireTcb,
        bool anyDevice,
        bytes32 device,
        bytes32 compose
    ) external initializer {
        _init(owner_, disableUpgrades_, requireTcb, anyDevice, device, compose);
    }

    function _init(
        address owner_,
        bool disableUpgrades_,
        bool requireTcb,
        bool anyDevice,
        bytes32 device,
        bytes32 compose
    ) private onlyInitializing {
        __Governed_init(owner_);
        _upgradesDisabled = disableUpgrades_;
        requireTcbUpToDate = requireTcb;
        allowAnyDevice = anyDevice;
        if (device != 0) _setDevice(device, true);
        if (compose != 0) _setComposeHash(compose, true);
    }

    function version() external pure virtual returns (uint256) {
        return 2;
    }

    // --- code versions

    function addComposeHash(bytes32 composeHash) external onlyPolicy {
        _setComposeHash(composeHash, true);
    }

    function removeComposeHash(bytes32 composeHash) external onlyTightening {
        _setComposeHash(composeHash, false);
    }

    function _setComposeHash(bytes32 composeHash, bool allowed) private {
        allowedComposeHashes[composeHash] = allowed;
        if (allowed) emit ComposeHashAdded(composeHash);
        else emit ComposeHashRemoved(composeHash);
        _record("compose-hash", composeHash, allowed);
    }

    // --- machines

    function addDevice(bytes32 deviceId) external onlyPolicy {
        _setDevice(deviceId, true);
    }

    function removeDevice(bytes32 deviceId) external onlyTightening {
        _setDevice(deviceId, false);
    }

    function _setDevice(bytes32 deviceId, bool allowed) private {
        allowedDeviceIds[deviceId] = allowed;
        if (allowed) emit DeviceAdded(deviceId);
        else emit DeviceRemoved(deviceId);
        _record("device", deviceId, allowed);
    }

    function setAllowAnyDevice(bool anyDevice) external {
        _checkChange(anyDevice);
        allowAnyDevice = anyDevice;
        emit AllowAnyDeviceSet(anyDevice);
        _record("allow-any-device", 0, anyDevice);
    }

    function setRequireTcbUpToDate(bool require_) external {
        _checkChange(!require_);
        requireTcbUpToDate = require_;
        emit RequireTcbUpToDateSet(require_);
        _record("require-tcb-up-to-date", 0, require_);
    }

    /// OS images of this application's own choice, besides what the KMS accepts.
    function setRestrictOsImages(bool restrict_) external {
        _checkChange(!restrict_);
        restrictOsImages = restrict_;
        emit OsImageRestrictionSet(restrict_);
        _record("restrict-os-images", 0, restrict_);
    }

    function setOsImage(bytes32 osImageHash, bool allowed) external {
        _checkChange(allowed);
        allowedOsImages[osImageHash] = allowed;
        emit OsImageSet(osImageHash, allowed);
        _record("app-os-image", osImageHash, allowed);
    }

    /// Kinds of TEE. Under this restriction callers that cannot name the TEE are refused.
    function setRestrictTees(bool restrict_) external {
        _checkChange(!restrict_);
        restrictTees = restrict_;
        emit TeeRestrictionSet(restrict_);
        _record("restrict-tees", 0, restrict_);
    }

    function setTee(string calldata tee, bool allowed) external {
        _checkChange(allowed);
        _allowedTees[keccak256(bytes(tee))] = allowed;
        emit TeeSet(tee, allowed);
        _record("tee", keccak256(bytes(tee)), allowed);
    }

    function allowedTees(string calldata tee) external view returns (bool) {
        return _allowedTees[keccak256(bytes(tee))];
    }

    /// An advisory that a machine's TCB must not be subject to.
    function setAdvisoryDenied(string calldata advisoryId, bool denied) external {
        _checkChange(!denied);
        _deniedAdvisories[keccak256(bytes(advisoryId))] = denied;
        emit AdvisorySet(advisoryId, denied);
        _record("denied-advisory", keccak256(bytes(advisoryId)), denied);
    }

    function deniedAdvisories(string calldata advisoryId) external view returns (bool) {
        return _deniedAdvisories[keccak256(bytes(advisoryId))];
    }

    function _checkChange(bool allowsMore) private {
        if (allowsMore) _checkPolicy();
        else _checkTightening();
    }

    function _checkPolicy() private onlyPolicy {}

    function _checkTightening() private onlyTightening {}

    // --- upgrades

    function disableUpgrades() external onlyTightening {
        _upgradesDisabled = true;
        emit UpgradesDisabled();
        _record("upgrades-disabled", 0, true);
    }

    function _authorizeUpgrade(address implementation) internal override {
        require(!_upgradesDisabled, "Upgrades are permanently disabled");
        super._authorizeUpgrade(implementation);
    }

    // --- the question

    function isAppAllowed(AppBootInfo calldata boot) external view returns (bool, string memory) {
        if (restrictTees) return (false, "TEE is not known");
        return _judge(boot);
    }

    function isAppAllowedOn(AppBootInfo calldata boot, string calldata tee)
        external
        view
        returns (bool, string memory)
    {
        if (restrictTees && !_allowedTees[keccak256(bytes(tee))]) return (false, "TEE not allowed");
        return _judge(boot);
    }

    function _judge(AppBootInfo calldata boot) private view returns (bool, string memory) {
        if (requireTcbUpToDate && keccak256(bytes(boot.tcbStatus)) != keccak256("UpToDate")) {
            return (false, "TCB status is not up to date");
        }
        for (uint256 i = 0; i < boot.advisoryIds.length; i++) {
            if (_deniedAdvisories[keccak256(bytes(boot.advisoryIds[i]))]) return (false, "Advisory not allowed");
        }
        if (restrictOsImages && !allowedOsImages[boot.osImageHash]) return (false, "OS image not allowed by the app");
        if (!allowedComposeHashes[boot.composeHash]) return (false, "Compose hash not allowed");
        if (!allowAnyDevice && !allowedDeviceIds[boot.deviceId]) return (false, "Device not allowed");
        return (true, "");
    }

    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IAppAuth).interfaceId || id == type(IAppAuthTee).interfaceId || id == 0x8fd37527
            || super.supportsInterface(id);
    }
}
