// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable2StepUpgradeable} from "@openzeppelin/contracts-upgradeable/access/Ownable2StepUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

/// Who may change a contract's policy, how long it takes, and a history that nobody can shorten.
///
/// Without approvers the owner decides alone, at once, as in the deployed baseline contracts. With
/// approvers (M of N) every change that allows more than before is an operation: its exact calldata
/// is approved by M of the present approvers, waits `delay` seconds, and is then executed by anyone,
/// once. Replacing the implementation, the approvers or a shorter delay always go that way; without
/// approvers the owner's approval counts. Changes that allow less need the owner alone and no delay.
///
/// Each change is an event PolicyChanged and is folded into `historyHead`, so a list of events from
/// an untrusted node can be checked for omissions against one storage word.
abstract contract Governed is Ownable2StepUpgradeable, UUPSUpgradeable {
    uint256 public constant MAX_APPROVERS = 32;
    uint64 public constant MIN_DELAY = 1 hours;
    uint64 public constant DEFAULT_DELAY = 2 days;
    uint64 public constant MAX_DELAY = 90 days;
    /// An operation that nobody executed lapses this long after it could have been.
    uint64 public constant EXECUTION_WINDOW = 30 days;

    struct Operation {
        address[] approvals; // in the order they were given; may hold people who are no approvers any more
        uint64 readyAt; // 0: not enough approvals yet
    }

    /// @custom:storage-location erc7201:dstack-c.governed
    struct GovernedStorage {
        address[] approvers;
        uint256 threshold;
        uint64 delay;
        uint256 round; // grows with every change of the approvers: what they approved is void then
        mapping(bytes32 id => Operation) operations;
        mapping(bytes32 callHash => uint256) executed;
        uint256 historyLength;
        bytes32 historyHead;
    }

    // keccak256(abi.encode(uint256(keccak256("dstack-c.governed")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant GOVERNED_STORAGE = 0xb3e9075bad5cdfd9808df8037ff9f619a2274c46adbaa7c29300b0b06c26d200;

    event PolicyChanged(address indexed actor, bytes32 indexed policy, bytes32 indexed value, bool enabled);
    event OperationApproved(bytes32 indexed id, address indexed approver, uint256 approvals, bytes call);
    event ApprovalWithdrawn(bytes32 indexed id, address indexed approver);
    event OperationReady(bytes32 indexed id, uint64 readyAt);
    event OperationExecuted(bytes32 indexed id, address indexed executor);
    event ApproversSet(address[] approvers, uint256 threshold);
    event DelaySet(uint64 delay);

    error NeedsApproval();
    error NotApprover(address account);
    error AlreadyApproved(bytes32 id, address approver);
    error NotApproved(bytes32 id);
    error NotReady(bytes32 id, uint64 readyAt);
    error Lapsed(bytes32 id);
    error InvalidApprovers();
    error InvalidDelay(uint64 delay);

    function _governed() private pure returns (GovernedStorage storage $) {
        assembly {
            $.slot := GOVERNED_STORAGE
        }
    }

    // solhint-disable-next-line func-name-mixedcase
    function __Governed_init(address owner_) internal onlyInitializing {
        __Ownable_init(owner_);
        _governed().delay = DEFAULT_DELAY;
    }

    /// A change that allows more: the owner while there are no approvers, else an approved operation.
    modifier onlyPolicy() {
        if (msg.sender != address(this)) {
            if (_governed().threshold != 0) revert NeedsApproval();
            _checkOwner();
        }
        _;
    }

    /// A change that always waits.
    modifier onlyOperation() {
        if (msg.sender != address(this)) revert NeedsApproval();
        _;
    }

    /// A change that allows less: the owner, or an operation.
    modifier onlyTightening() {
        if (msg.sender != address(this)) _checkOwner();
        _;
    }

    // --- what is in force

    function approvers() external view returns (address[] memory) {
        return _governed().approvers;
    }

    function threshold() external view returns (uint256) {
        return _governed().threshold;
    }

    function delay() public view returns (uint64) {
        uint64 d = _governed().delay;
        return d == 0 ? DEFAULT_DELAY : d; // a proxy of the baseline's was never told one
    }

    function historyLength() external view returns (uint256) {
        return _governed().historyLength;
    }

    /// Start: 0. Each change: keccak256(abi.encode(head, actor, policy, value, enabled)).
    function historyHead() external view returns (bytes32) {
        return _governed().historyHead;
    }

    /// The id under which `call` is approved now. It differs after the call was executed and after
    /// the approvers changed, so no approval counts twice.
    function operationId(bytes calldata call) public view returns (bytes32) {
        return _id(keccak256(call));
    }

    function _id(bytes32 callHash) private view returns (bytes32) {
        GovernedStorage storage $ = _governed();
        return keccak256(abi.encode(block.chainid, address(this), $.round, $.executed[callHash], callHash));
    }

    /// Approvals of `call` that count, and when it may be executed (0: not yet known).
    function operation(bytes calldata call) external view returns (uint256 approvals, uint64 readyAt) {
        Operation storage op = _governed().operations[operationId(call)];
        return (_count(op), op.readyAt);
    }

    function _isApprover(address account) private view returns (bool) {
        GovernedStorage storage $ = _governed();
        if ($.threshold == 0) return account == owner() && account != address(0);
        for (uint256 i = 0; i < $.approvers.length; i++) {
            if ($.approvers[i] == account) return true;
        }
        return false;
    }

    function _count(Operation storage op) private view returns (uint256 n) {
        for (uint256 i = 0; i < op.approvals.length; i++) {
            if (_isApprover(op.approvals[i])) n++;
        }
    }

    function _needed() private view returns (uint256) {
        uint256 t = _governed().threshold;
        return t == 0 ? 1 : t;
    }

    // --- operations

    /// Approve the call of this contract with exactly this calldata. The approval that makes them
    /// enough starts the delay, anew if earlier ones have ceased to count (of a former owner).
    function approve(bytes calldata call) external returns (bytes32 id) {
        if (!_isApprover(msg.sender)) revert NotApprover(msg.sender);
        id = operationId(call);
        Operation storage op = _governed().operations[id];
        if (op.readyAt != 0 && block.timestamp > op.readyAt + EXECUTION_WINDOW) delete _governed().operations[id];
        for (uint256 i = 0; i < op.approvals.length; i++) {
            if (op.approvals[i] == msg.sender) revert AlreadyApproved(id, msg.sender);
        }
        bool waiting = op.readyAt != 0 && _count(op) >= _needed();
        op.approvals.push(msg.sender);
        uint256 n = _count(op);
        emit OperationApproved(id, msg.sender, n, call);
        if (n >= _needed() && !waiting) {
            op.readyAt = uint64(block.timestamp) + delay();
            emit OperationReady(id, op.readyAt);
        }
    }

    /// Take an approval back. With too few left the delay starts anew at the next sufficient approval.
    function withdrawApproval(bytes calldata call) external {
        bytes32 id = operationId(call);
        Operation storage op = _governed().operations[id];
        uint256 n = op.approvals.length;
        for (uint256 i = 0; i < n; i++) {
            if (op.approvals[i] != msg.sender) continue;
            op.approvals[i] = op.approvals[n - 1];
            op.approvals.pop();
            if (_count(op) < _needed()) op.readyAt = 0;
            emit ApprovalWithdrawn(id, msg.sender);
            return;
        }
        revert NotApproved(id);
    }

    /// Do what was approved. Anyone may, once, when the delay is over.
    function execute(bytes calldata call) external returns (bytes memory) {
        GovernedStorage storage $ = _governed();
        bytes32 id = operationId(call);
        Operation storage op = $.operations[id];
        if (op.readyAt == 0 || _count(op) < _needed()) revert NotApproved(id);
        if (block.timestamp < op.readyAt) revert NotReady(id, op.readyAt);
        if (block.timestamp > op.readyAt + EXECUTION_WINDOW) revert Lapsed(id);
        $.executed[keccak256(call)]++;
        delete $.operations[id];
        emit OperationExecuted(id, msg.sender);
        (bool ok, bytes memory result) = address(this).call(call);
        if (!ok) {
            assembly {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }

    // --- who decides

    /// M of N. The owner may introduce approvers at once; later changes are operations, and so is
    /// going back to the owner alone (no approvers, threshold 0).
    function setApprovers(address[] calldata list, uint256 m) external onlyPolicy {
        GovernedStorage storage $ = _governed();
        if (list.length > MAX_APPROVERS || m > list.length || (m == 0) != (list.length == 0)) {
            revert InvalidApprovers();
        }
        for (uint256 i = 0; i < list.length; i++) {
            if (list[i] == address(0)) revert InvalidApprovers();
            for (uint256 j = 0; j < i; j++) {
                if (list[i] == list[j]) revert InvalidApprovers();
            }
        }
        $.approvers = list;
        $.threshold = m;
        $.round++;
        emit ApproversSet(list, m);
        _record("approvers", keccak256(abi.encode(list, m)), m != 0);
    }

    /// Longer: the owner, at once. Shorter: an operation, so it takes the old delay.
    function setDelay(uint64 seconds_) external {
        GovernedStorage storage $ = _governed();
        if (seconds_ < MIN_DELAY || seconds_ > MAX_DELAY) revert InvalidDelay(seconds_);
        if (msg.sender != address(this)) {
            if (seconds_ < delay()) revert NeedsApproval();
            _checkOwner();
        }
        $.delay = seconds_;
        emit DelaySet(seconds_);
        _record("delay", bytes32(uint256(seconds_)), true);
    }

    function _authorizeUpgrade(address implementation) internal virtual override onlyOperation {
        _record("implementation-upgrade", bytes32(uint256(uint160(implementation))), true);
    }

    function _record(string memory policy, bytes32 value, bool enabled) internal {
        GovernedStorage storage $ = _governed();
        bytes32 p = keccak256(bytes(policy));
        $.historyLength++;
        $.historyHead = keccak256(abi.encode($.historyHead, msg.sender, p, value, enabled));
        emit PolicyChanged(msg.sender, p, value, enabled);
    }

    function _word(address a) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(a)));
    }
}
