import { EXIT_CODES, type ExitCode } from "./exit-codes.js";

interface Descriptor {
  readonly message: string;
  /** The way out. */
  readonly fix: string;
  readonly exitCode: ExitCode;
}

const { error, partial, refused, waiting } = EXIT_CODES;

/**
 * Every error this plugin throws. A code is never reused for something else;
 * scripts may rely on it.
 */
export const CATALOGUE = {
  // The chain
  RPC_UNREACHABLE: {
    message: "{network}: the RPC at {host} can't be reached: {reason}.",
    fix: "Check the network's `url` in hardhat.config.ts, or take another RPC; nothing is lost, run the same command again.",
    exitCode: error,
  },
  RPC_TIMEOUT: {
    message:
      "{network}: the RPC at {host} gave no answer to {method} within {seconds} s.",
    fix: "Take another RPC, or raise the network's `timeout` in hardhat.config.ts; then run the same command again.",
    exitCode: error,
  },
  RPC_RATE_LIMITED: {
    message:
      "{network}: the RPC at {host} refuses more requests (HTTP 429) after {attempts} attempts.",
    fix: "Wait a minute, or take an RPC with a higher limit.",
    exitCode: error,
  },
  RPC_ACCESS_DENIED: {
    message:
      "{network}: the RPC at {host} refuses access (HTTP {status}): {reason}.",
    fix: "Check the key in the network's `url`, or the header in its `httpHeaders`, in hardhat.config.ts; a user and password go before the host: https://USER:PASSWORD@HOST. Keep them in a `configVariable`.",
    exitCode: error,
  },
  RPC_ANSWER_INVALID: {
    message:
      "{network}: the RPC at {host} answers {method} with something that isn't JSON-RPC (HTTP {status}).",
    fix: "Check the path of the network's `url` in hardhat.config.ts: it may lead to a web page or a gateway; or take another RPC.",
    exitCode: error,
  },
  RPC_URL_INVALID: {
    message: "{network}: its RPC's URL isn't a URL of HTTP or HTTPS.",
    fix: "Give one that begins with https:// or http://, as the network's `url` in hardhat.config.ts or with `--private-rpc`.",
    exitCode: refused,
  },
  RPC_FAILED: {
    message: "{network}: {method} failed: {reason}.",
    fix: "If the RPC is at fault take another; the message above is its own.",
    exitCode: error,
  },
  RPC_DISAGREES: {
    message:
      "{network}: the RPCs don't agree at block {block}. {what}: {answers}.{others}",
    fix: "Don't sign and don't send: one of them lies, is on a fork, or what was approved isn't what is there. Ask a block explorer, take the wrong one out of the configuration (the network's `url`, `dr.rpcQuorum`), then run it again.",
    exitCode: refused,
  },
  RPC_QUORUM_UNAVAILABLE: {
    message: "{network}: not all RPCs can be compared. {failures}.",
    fix: "Run it again in a minute. If one stays away, put another in its place in hardhat.config.ts (the network's `url`, `dr.rpcQuorum`).",
    exitCode: refused,
  },
  CHAIN_REORGANISED: {
    message:
      "{network}: the chain took back the block that was being read, again and again.",
    fix: "Run it again in a minute, or take another RPC.",
    exitCode: error,
  },
  // Transactions
  CALL_WOULD_REVERT: {
    message: "{label} from {from} would revert: {reason}.",
    fix: "`npx hardhat dr:status` shows who may do this; choose that account with `--from`. Nothing was sent for it.",
    exitCode: refused,
  },
  OUT_OF_FUNDS: {
    message: "{from} can't pay for {label}: {reason}.",
    fix: "Send it some of the chain's coin, then run `npx hardhat dr:resume`.",
    exitCode: refused,
  },
  SEND_REFUSED: {
    message: "The node refuses {label} from {from}: {reason}.",
    fix: "Mend what it complains of, or take another RPC, then run `npx hardhat dr:resume`.",
    exitCode: error,
  },
  TRANSACTION_REVERTED: {
    message:
      "{label} was mined in block {block} and reverted: {reason} ({hash}).",
    fix: "`npx hardhat dr:status` shows how things stand; `npx hardhat dr:resume` tries again once the reason is gone.",
    exitCode: partial,
  },
  NOT_MINED: {
    message: "Not mined within {seconds} s: {label}.",
    fix: "`npx hardhat dr:resume` goes on with the same nonces and raises the fees; nothing is sent twice.",
    exitCode: partial,
  },
  NOT_DEEP_ENOUGH: {
    message:
      "{label}: mined, but not {confirmations} blocks deep. The chain stands at block {block} since {seconds} s.",
    fix: "Where a node mines only when it is sent something, `npx hardhat dr:resume --confirmations 1` takes it as it is. On a live chain ask another RPC whether the chain has stopped, then `npx hardhat dr:resume`.",
    exitCode: partial,
  },
  OLDER_TRANSACTION_WAITS: {
    message:
      "{label} can't be mined: a transaction of {from} with the lower nonce {nonce}, not of this run, isn't mined for {seconds} s.",
    fix: "Send nonce {nonce} of {from} again with higher fees, from the wallet that made it (an empty transfer to itself cancels it), then `npx hardhat dr:resume`.",
    exitCode: partial,
  },
  SOME_TRANSACTIONS_FAILED: {
    message: "{count} transactions failed: {list}.",
    fix: "The others went through. `npx hardhat dr:status` shows how things stand; `npx hardhat dr:resume` tries the failed ones again.",
    exitCode: partial,
  },
  NOT_IN_EFFECT: {
    message:
      "{label} was carried out, but at block {block} the chain shows no effect of it.",
    fix: "Somebody may have undone it. Look with `npx hardhat dr:status`; `npx hardhat dr:resume` checks again.",
    exitCode: partial,
  },
  JOURNAL_FOREIGN_TRANSACTION: {
    message:
      "The journal speaks of a transaction that this step doesn't have: {key}.",
    fix: "The journal belongs to another plan. Start a new run.",
    exitCode: refused,
  },
  // Recovery
  AUTHORITY_ELSEWHERE: {
    message: "No account of this machine may make {label}. Who may: {who}.",
    fix: "They must send: to {to}, value {value}, data {data} ({label}). If one of them is yours, add its key to the network's accounts or name it with `--from`.",
    exitCode: refused,
  },
  NOBODY_MAY: {
    message: "Nobody may make {label}: {why}.",
    fix: "As the chain stands no key or signature helps. Leave it out, and act at the contracts that depend on it; a role without a holder can be granted by its admin.",
    exitCode: refused,
  },
  REFUSES_EVERYONE: {
    message:
      "The contract refuses {label} to all whom it names ({refused}), as it refuses strangers: {reason}.",
    fix: "Perhaps nobody may: some contracts are made so. If somebody may whom the contract doesn't show, they must send: to {to}, value {value}, data {data} ({label}); add their key to the network's accounts and it is done from here.",
    exitCode: refused,
  },
  NO_CODE: {
    message: "There is no code at {address} ({what}).",
    fix: "Check the address in deploy.json and `--network`.",
    exitCode: refused,
  },
  NOT_PAUSABLE: {
    message: "{name} ({address}) has no paused(): it can't be paused.",
    fix: "Leave it out, or stop it by an upgrade (`npx hardhat dr:upgrade`).",
    exitCode: refused,
  },
  DRIFT: {
    message:
      "{name}: {file} says that {recorded} is current, but the chain has {found}.",
    fix: "Somebody upgraded it outside this tool. `npx hardhat dr:init {name}={proxy}` shows what the chain knows and records it; then run this again.",
    exitCode: refused,
  },
  NOT_UPGRADABLE: {
    message: "{name} ({address}) can't be upgraded from here: it is {what}.",
    fix: "Leave it out; `npx hardhat dr:pause {name}` may still stop it.",
    exitCode: refused,
  },
  CODE_HASH_DIFFERS: {
    message:
      "{name}: the code at {address} has the hash {found}, but deploy.json recorded {recorded}.",
    fix: "It isn't the implementation that was recorded (or the RPC lies: compare with another). Choose another target with `--to`.",
    exitCode: refused,
  },
  NOT_UUPS: {
    message:
      "{name}: {address} has no proxiableUUID() of a UUPS implementation; going there would leave the proxy without any way to upgrade.",
    fix: "Choose an implementation that inherits UUPSUpgradeable with `--to`.",
    exitCode: refused,
  },
  PAUSE_BLOCKS_UPGRADE: {
    message: "{name} refuses upgrades while it is paused.",
    fix: "Run it with `--no-pause`; if the contract is paused now, `npx hardhat dr:unpause {name}` first.",
    exitCode: refused,
  },
  SEQUENCE_WOULD_FAIL: {
    message:
      "{name}: tried beforehand, {label} from {from} fails after the steps before it.",
    fix: "`npx hardhat dr:status` shows who may do what; choose the account with `--from`. Nothing was sent.",
    exitCode: refused,
  },
  VERIFICATION_FAILED: {
    message: "{name} isn't right after the change: {reason}.",
    fix: "It stays as it is, paused if it was paused. Mend the cause, then `npx hardhat dr:resume`; `npx hardhat dr:status` shows how things stand.",
    exitCode: partial,
  },
  NOT_RECORDED: {
    message: "{file} doesn't have the new implementation of {name}.",
    fix: "Somebody else wrote the file meanwhile. `npx hardhat dr:resume` writes it again.",
    exitCode: partial,
  },
  PLAN_STALE: {
    message:
      "{name}: the {what} is {found}, but the plan was made for {approved}.",
    fix: "Somebody changed it meanwhile. Look with `npx hardhat dr:status`, then start again with a new plan.",
    exitCode: refused,
  },
  // Timelocks
  NOT_A_TIMELOCK: {
    message: "There is no OpenZeppelin TimelockController at {address}.",
    fix: "Check the address, `governance.timelock` in deploy.json and `--network`.",
    exitCode: refused,
  },
  NOT_AN_ACCESS_MANAGER: {
    message: "There is no OpenZeppelin AccessManager at {address}.",
    fix: "Check the address and `--network`.",
    exitCode: refused,
  },
  // Safes
  NOT_A_SAFE: {
    message: "{address} isn't a Safe at block {block}.",
    fix: "Check `governance.safe` in deploy.json, `--safe` and `--network`.",
    exitCode: refused,
  },
  SAFE_VERSION_UNSUPPORTED: {
    message: "The Safe {safe} has version {version}.",
    fix: "Versions from 1.3.0 on (1.x) are supported; before that a signature is valid on every chain. Update the Safe in its own application first.",
    exitCode: refused,
  },
  // Timelocks and AccessManagers
  TIMELOCK_DELAY_RAISED: {
    message:
      "The timelock {timelock} asks for a delay of {minimum} s now, more than the {approved} s of the plan.",
    fix: "Its delay was raised meanwhile. Start again: the new plan has the new delay. Nothing was scheduled.",
    exitCode: refused,
  },
  TIMELOCK_CANCELLED: {
    message:
      "The timelock {timelock} knows no operation {operation}: it was cancelled.",
    fix: "`npx hardhat dr:timelock:status` shows who cancelled it. If it is still wanted, start a new run: it is scheduled again.",
    exitCode: partial,
  },
  TIMELOCK_WITHOUT_EFFECT: {
    message:
      "The timelock {timelock} has executed operation {operation}, but what it should have changed isn't so now.",
    fix: "Somebody changed it again since. Look with `npx hardhat dr:status`, then start a new run.",
    exitCode: partial,
  },
  MANAGED_SCHEDULE_GONE: {
    message:
      "The AccessManager {manager} has no schedule {operation} for {label} any more: it was cancelled, or has expired.",
    fix: "If it is still wanted, start a new run: it is scheduled again.",
    exitCode: partial,
  },
  SAFE_CONTRACTS_UNKNOWN: {
    message:
      "{network} has no MultiSendCallOnly at any of the addresses that Safe deploys to.",
    fix: "Say where they are, in hardhat.config.ts: `{example}`.",
    exitCode: refused,
  },
  SAFE_CONTRACTS_WRONG: {
    message:
      "The code at {address} isn't that of any MultiSendCallOnly that Safe published; it would get all of the Safe's powers.",
    fix: "Correct `dr.safeContracts.multiSendCallOnly` in hardhat.config.ts, or deploy Safe's own, of @safe-global/safe-smart-account.",
    exitCode: refused,
  },
  SAFE_HASH_DISAGREES: {
    message:
      "Three computations of the safeTxHash disagree. Ours: {ours}; protocol-kit: {protocolKit}; the Safe itself: {contract}.",
    fix: "Don't sign. Ask another RPC (`--network`), and see that the Safe's code is Safe's own.",
    exitCode: refused,
  },
  SAFE_PROPOSAL_GONE: {
    message:
      "The proposal of this run to the Safe {safe} isn't in {folder}/safe any more.",
    fix: "Bring the file back from version control or from whoever signed it, then `npx hardhat dr:resume`; or start a new run.",
    exitCode: partial,
  },
  SAFE_WITHOUT_EFFECT: {
    message:
      "The Safe {safe} has executed {safeTxHash} (transaction {tx}), but what it should have changed isn't so now.",
    fix: "It failed inside, or somebody changed it again since. Look with `npx hardhat dr:status`, then start a new run.",
    exitCode: partial,
  },
  SAFE_DANGEROUS_CALL: {
    message: "The transaction is refused: {dangers}.",
    fix: "Ask whoever proposed it why. If that is truly meant, run it again with `--accept-danger {ids}`.",
    exitCode: refused,
  },
  SAFE_ALREADY_EXECUTED: {
    message: "{safeTxHash} was executed in {tx}, block {block}.",
    fix: "Nothing is left to be done; `npx hardhat dr:status` shows how things stand.",
    exitCode: refused,
  },
  SAFE_NONCE_TAKEN: {
    message:
      "The nonce {nonce} of {safe} is gone: another transaction took it, {by}.",
    fix: "This proposal can never be executed. Propose it again with the next nonce and have it signed again.",
    exitCode: refused,
  },
  SAFE_NONCE_FUTURE: {
    message:
      "The proposal has the nonce {nonce}, but the Safe is at {present}: {ahead} transactions must be executed before it.",
    fix: "Execute those first, then run this again.",
    exitCode: waiting,
  },
  SAFE_EXECUTION_REFUSED: {
    message: "{safe} would refuse to execute it: {reason}.",
    fix: "`npx hardhat dr:safe:status` shows signatures, nonce, guard and what has changed since. Nothing was sent.",
    exitCode: refused,
  },
  SAFE_EXECUTION_FAILED: {
    message:
      "{safe} was asked to execute {safeTxHash}, but its events tell of {found}.",
    fix: "Its nonce may be used up: look with `npx hardhat dr:safe:status` and `npx hardhat dr:status`, then propose again what is missing.",
    exitCode: partial,
  },
  SAFE_NOT_NAMED: {
    message: "Which Safe? deploy.json has no `governance.safe`.",
    fix: "Name it with `--safe 0x…`, or add it to {file}.",
    exitCode: refused,
  },
  SAFE_NO_OWNER_HERE: {
    message: "No account of this machine is an owner of {safe}.",
    fix: "Owners are {owners}. Name one with `--from`, or add a signature made elsewhere with `--signature 0x…`.",
    exitCode: refused,
  },
  GO_BAG_NOT_CONFIGURED: {
    message: "Presigned transactions are kept encrypted, and no key is set up.",
    fix: "Make one with `age-keygen -o go-bag.key`, then set `dr.goBag.recipients` to its public key (age1…) and `dr.goBag.identityFile` to the file in hardhat.config.ts; keep the file out of the repository.",
    exitCode: refused,
  },
  AGE_RECIPIENT_INVALID: {
    message: "{recipient} is no recipient of age: {reason}.",
    fix: "Recipients are public keys, `age1…`, as `age-keygen -y KEYFILE` prints them.",
    exitCode: refused,
  },
  KEY_FILE_UNREADABLE: {
    message: "Can't read {what} from {file}: {reason}.",
    fix: "Name the right file in hardhat.config.ts, bring it back from where keys are kept, or do this on a machine that has it.",
    exitCode: refused,
  },
  KEY_FILE_EXPOSED: {
    message: "Others may read {what}, {file} (mode {mode}).",
    fix: "`chmod 600` it. If somebody may have read it make a new one, and make anew what the old one protects.",
    exitCode: refused,
  },
  KEY_FILE_FOREIGN: {
    message: "{file}, {what}, belongs to somebody else (user {owner}).",
    fix: "`chown` it to the user who runs this, or run this as its owner.",
    exitCode: refused,
  },
  ENCRYPTION_NOT_CONFIGURED: {
    message: "Backups are encrypted, and no key is set up for it.",
    fix: "`npx hardhat dr:keys:generate backup-encryption.key` makes one; then set `dr.encryption.keyFile` in hardhat.config.ts (with KMS: `kmsKey`; with age: `recipients`, and `identityFile` to decrypt), or ENCRYPTION_KEY_FILE in the environment.",
    exitCode: refused,
  },
  ARTIFACT_EXISTS: {
    message: "{path} is there already.",
    fix: "Two backups of one kind in one second: run it again.",
    exitCode: refused,
  },
  ARTIFACT_MISSING: {
    message: "There is no backup {path}: {reason}.",
    fix: "Name another: `npx hardhat dr:offsite:list` shows those elsewhere, `npx hardhat dr:backup` makes one. What has no manifest was never finished.",
    exitCode: refused,
  },
  ARTIFACT_DAMAGED: {
    message:
      "{name} isn't what was written: its {what} is {found} instead of {expected}.",
    fix: "Take another copy of it, or another backup; nothing was restored.",
    exitCode: refused,
  },
  ARTIFACT_NAME_INVALID: {
    message: "{name} is no backup's name.",
    fix: "Names have letters, digits, - _ and dots, and no folder: takumi_db_20240115_140000.sql.gz.",
    exitCode: refused,
  },
  MANIFEST_INVALID: {
    message: "The manifest {file} can't be relied on: {reason}.",
    fix: "Take another copy of it, or another backup.",
    exitCode: refused,
  },
  MANIFEST_TOO_NEW: {
    message:
      "The manifest {file} has version {version}, which this version doesn't know.",
    fix: "Update hardhat-dr: `npm install --save-dev hardhat-dr@latest`.",
    exitCode: refused,
  },
  MANIFEST_SIGNATURE_WRONG: {
    message:
      "The signature of {artifact}'s manifest, by {publicKey}, isn't of this manifest.",
    fix: "Somebody changed it. Take another copy, or another backup.",
    exitCode: refused,
  },
  MANIFEST_NOT_TRUSTED: {
    message: "{artifact} is signed by {by}, whom nobody named as trusted.",
    fix: "If it is yours add the public key to `dr.signing.trusted`; else take another backup.",
    exitCode: refused,
  },
  ARCHIVE_ENTRY_REFUSED: {
    message: "{path} isn't packed or unpacked: {reason}.",
    fix: "If it is in a backup take another one: nothing was restored. If it is in a folder to be backed up, leave it out.",
    exitCode: refused,
  },
  ARCHIVE_BROKEN: {
    message: "The archive can't be read: {reason}.",
    fix: "Take another copy of it, or another backup; nothing was restored.",
    exitCode: refused,
  },
  KEY_FILE_EXISTS: {
    message: "{file} is there already.",
    fix: "A key is never replaced: what it encrypts would be lost. Give another file's name, and keep the old one.",
    exitCode: refused,
  },
  KEY_NOT_FOR_GCM: {
    message:
      "{file} holds a passphrase; aes-256-gcm takes a key of 64 hexadecimal digits.",
    fix: "`npx hardhat dr:keys:generate FILE` makes one. Keep the old file in `dr.encryption.oldKeyFiles`: it still opens what openssl encrypted with it.",
    exitCode: refused,
  },
  KEY_UNKNOWN: {
    message:
      "{name} is encrypted with the key {fingerprint}, which isn't here.",
    fix: "Bring that key's file, and name it as `dr.encryption.keyFile` or among `oldKeyFiles`. Here are: {known}.",
    exitCode: refused,
  },
  KEY_NOT_CONFIGURED: {
    message: "{name} is encrypted, and no key is set up that opens it.",
    fix: "Bring the key that it was encrypted with, and set `dr.encryption.keyFile` in hardhat.config.ts, or ENCRYPTION_KEY_FILE in the environment, to its file (mode 600); with age set `identityFile`, with KMS `kmsKey`. A new key doesn't open it.",
    exitCode: refused,
  },
  AGE_IDENTITY_OTHER: {
    message:
      "{name} is encrypted to {recipients}, and {file} holds the private key of none of them.",
    fix: "Bring the private key of one of them, and name its file as `dr.encryption.identityFile`. In the file are those of: {known}.",
    exitCode: refused,
  },
  ARTIFACT_UNAUTHENTICATED: {
    message:
      "{name} has no manifest: nothing proves who made it, or that nobody changed it.",
    fix: "If an old script made it, and you trust the place it comes from, run it again with `--accept-unauthenticated`. If this tool made it it was never finished, or its manifest was taken away: take another copy, or another backup.",
    exitCode: refused,
  },
  ARTIFACT_HAS_MANIFEST: {
    message: "{name} has a manifest, and isn't opened without it.",
    fix: "Leave out `--accept-unauthenticated`. If its manifest is damaged take another copy of that.",
    exitCode: refused,
  },
  KMS_KEY_UNKNOWN: {
    message:
      "{name} is encrypted with the KMS key {key}, which isn't the configured one.",
    fix: "If it is yours set `dr.encryption.kmsKey` to it, and run it again.",
    exitCode: refused,
  },
  KMS_DENIED: {
    message: "KMS doesn't let you use the key {key}: {reason}.",
    fix: "Check the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE, a role), their right to kms:GenerateDataKey and kms:Decrypt, and that the key is enabled.",
    exitCode: refused,
  },
  KMS_UNREACHABLE: {
    message: "KMS can't be asked for the key {key}: {reason}.",
    fix: "Run it again later; check the network, and AWS_ENDPOINT_URL_KMS if it is set.",
    exitCode: error,
  },
  ARTIFACT_NOT_OPENED: {
    message: "{name} can't be opened: {reason}.",
    fix: "Take another copy of it, or another backup; nothing was restored.",
    exitCode: refused,
  },
  ZSTD_MISSING: {
    message: "Node {node} has no zstd.",
    fix: "Use Node 22.15 or later, or set `dr.backup.compression` to gzip.",
    exitCode: refused,
  },

  // Backups of files and configuration
  BACKUP_NOTHING_CONFIGURED: {
    message: "There is nothing to back up: {what}.",
    fix: "Name what `dr:backup` shall back up in hardhat.config.ts: `dr.database`, `dr.files`, `dr.configuration`; contracts are backed up once there is a deploy.json.",
    exitCode: refused,
  },
  READINESS_NOTHING: {
    message:
      "There is nothing whose recovery could be proven: no deploy.json in {folder}, no database, no files.",
    fix: "Name the network (`--network mainnet`), run `dr:init`, or configure `dr.database`, `dr.files` or `dr.configuration`.",
    exitCode: refused,
  },
  BACKUP_SOURCE_UNREADABLE: {
    message: "{path} can't be read, so it isn't backed up: {reason}.",
    fix: "Bring it back, mend its permissions, or take it out of `dr.files` or `dr.configuration` in hardhat.config.ts. Nothing was written.",
    exitCode: refused,
  },
  BACKUP_SOURCE_REFUSED: {
    message: "{path} isn't backed up: {reason}.",
    fix: "Correct `dr.files` or `dr.configuration` in hardhat.config.ts. Nothing was written.",
    exitCode: refused,
  },
  BACKUP_HOLDS_KEY: {
    message: "{path} is the key {key}, or a copy of it.",
    fix: "Keys are never backed up: whoever has the backup could open it. Move it out of what `dr.files` and `dr.configuration` name, and keep copies of keys somewhere else. Nothing was written.",
    exitCode: refused,
  },
  FILE_CHANGING: {
    message:
      "{path} becomes another file, or a shorter one, each time it is read.",
    fix: "Back up when nothing writes to it, or leave it out and back it up by a dump of its own. Nothing was written.",
    exitCode: error,
  },
  BACKUP_CHAIN_BROKEN: {
    message: "{name} builds on {base}, which can't be used: {reason}.",
    fix: "Bring {base} back with its manifest from another copy, or restore a backup that doesn't build on it. `npx hardhat dr:backup --full` makes a new one that builds on nothing.",
    exitCode: refused,
  },
  BACKUP_KIND_OTHER: {
    message:
      "{name} is a backup of {kind}; this restores files and configuration.",
    fix: "`dr:snapshot:restore` restores contracts, `dr:db:restore` a database.",
    exitCode: refused,
  },
  RESTORE_PLACE_UNKNOWN: {
    message:
      "The backup holds {root}, which this project doesn't back up: nobody says where it belongs.",
    fix: "Restore it with `--into FOLDER`, or add it to `dr.files` or `dr.configuration` in hardhat.config.ts. Nothing was changed.",
    exitCode: refused,
  },
  RESTORE_NOT_PLACED: {
    message: "What was restored can't be put in the place of {path}: {reason}.",
    fix: "All is as it was. Mend that and run it again, or restore with `--into FOLDER` and move it yourself.",
    exitCode: refused,
  },
  RESTORE_HALF_PLACED: {
    message:
      "Putting the restored in its place failed, and {from} can't be put back as {to}: {reason}.",
    fix: "Mend that, then move {from} to {to} yourself; what was there before ends in .before- and a time.",
    exitCode: partial,
  },
  RESTORE_UNFINISHED: {
    message:
      "A restore was killed at {at} while it put things in their places: {what}.",
    fix: "Restore the same backup again with `npx hardhat dr:backup:restore`: it puts all of it in its place, and aside what is there. Or move back yourself what was there, and delete {file}.",
    exitCode: partial,
  },
  BACKUP_INTERRUPTED: {
    message: "Interrupted; the backup wasn't made.",
    fix: "Run it again; backups that were made before are whole.",
    exitCode: refused,
  },
  OFFSITE_INTERRUPTED: {
    message: "Interrupted; what was done until then stands.",
    fix: "Run the same command again: it does only what is missing, and goes on in an upload that was begun where the store can.",
    exitCode: partial,
  },
  RESTORE_INTERRUPTED: {
    message: "Interrupted; nothing was restored.",
    fix: "Run it again.",
    exitCode: refused,
  },
  RESTORE_WAITS: {
    message:
      "Interrupted; {scratch} is restored and is what was backed up, but isn't called {database} yet.",
    fix: "Nobody noticed anything. `npx hardhat dr:resume` gives it its name, and so does the same restore again; a restore of another backup drops it.",
    exitCode: partial,
  },
  // Contract snapshots
  SNAPSHOT_INVALID: {
    message: "{name} is no contract snapshot to rely on: {reason}.",
    fix: "Take another one. It is as it was written, or its digests would differ; whoever wrote it wrote it so.",
    exitCode: refused,
  },
  SNAPSHOT_TOO_NEW: {
    message:
      "{name} holds a snapshot of version {version}, which this version doesn't know.",
    fix: "Update hardhat-dr: `npm install --save-dev hardhat-dr@latest`.",
    exitCode: refused,
  },
  SNAPSHOT_COMPILES_DIFFERENTLY: {
    message: "{contract} of {name} doesn't compile to the same again: {what}.",
    fix: "The sources in the snapshot aren't those it was deployed from. Look for them in version control before you build on it: `tar` shows what is in `sources/`.",
    exitCode: refused,
  },
  COMPILER_MISSING: {
    message: "solc {version} isn't here: {reason}.",
    fix: "Give `solidity.compilers` in hardhat.config.ts an entry of version {short} whose `path` is that very compiler (soljson.js of the npm package solc is one); or run it where Hardhat can download it.",
    exitCode: refused,
  },
  COMPILATION_FAILED: {
    message: "solc {version} doesn't compile it: {reason}",
    fix: "The sources in the snapshot are wanting: look for them in version control.",
    exitCode: refused,
  },
  SNAPSHOT_OF_OTHER_NETWORK: {
    message: "{name} is of {network}, chain {chainId}, and this is {here}.",
    fix: "Run it with `--network {network}`; hardhat.config.ts must have a network of that name and chain. If yours is called otherwise now, rename it there for so long, and afterwards the folder deployments/{network}.",
    exitCode: refused,
  },
  RESTORE_STALE: {
    message: "{path} has changed since the plan was shown.",
    fix: "Nothing more was restored. Run it again, and look at the new plan.",
    exitCode: refused,
  },
  RESTORED_WRONG: {
    message: "{path} isn't what was restored: somebody else writes to it.",
    fix: "Find out who does, then run it again. What was there before is kept beside it.",
    exitCode: error,
  },
  SNAPSHOT_NONE: {
    message: "{folder} has no complete snapshot of {network}.",
    fix: "`npx hardhat dr:snapshot --network {network}` takes one. One that lies elsewhere, or is of another network, goes by its path or name: `npx hardhat dr:snapshot:verify NAME`.",
    exitCode: refused,
  },

  // offsite
  OFFSITE_NOT_CONFIGURED: {
    message: "No offsite target is set up.",
    fix: "Add `dr.offsite.targets` to hardhat.config.ts, or set OFFSITE_PROVIDER (s3, gcs, azure) and its variables: S3_BUCKET; GCS_BUCKET; AZURE_CONTAINER and AZURE_STORAGE_ACCOUNT.",
    exitCode: refused,
  },
  OFFSITE_TARGET_UNKNOWN: {
    message: "There is no offsite target {target}.",
    fix: "There are: {known}.",
    exitCode: refused,
  },
  ENVIRONMENT_INVALID: {
    message: "{name} in the environment is {value}; expected is {expected}.",
    fix: "Correct it, or unset it and use hardhat.config.ts.",
    exitCode: refused,
  },
  OFFSITE_PACKAGE_MISSING: {
    message: "{storage} needs the package {package}, which isn't installed.",
    fix: "`npm install --save-dev {package}`.",
    exitCode: refused,
  },
  DATABASE_NOT_CONFIGURED: {
    message: "No database is configured.",
    fix: "Set `dr.database.url` in hardhat.config.ts, or DATABASE_URL, or POSTGRES_HOST, POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB.",
    exitCode: refused,
  },
  DATABASE_BACKUP_OF_OTHER: {
    message:
      "There is no backup{when} of the database {database} in {folder}. The newest there, {name}, is of the database {other}.",
    fix: "Where that one is meant, name it: `npx hardhat dr:db:restore {name}`, `dr:db:verify {name}`, `dr:db:recover --from {name}` or `dr:offsite:restore database {name}`. `npx hardhat dr:offsite:list` shows those elsewhere. Where the backup is of the right database, correct the name in `dr.database.url`.",
    exitCode: refused,
  },
  DATABASE_ENGINE_UNABLE: {
    message: "The database engine {engine} can't {what}.",
    fix: "{way}.",
    exitCode: refused,
  },
  DATABASE_PACKAGE_MISSING: {
    message:
      "The database engine pglite needs the package {package}, which isn't installed.",
    fix: "`npm install --save-dev {package}`.",
    exitCode: refused,
  },
  DATABASE_FOLDER_INVALID: {
    message: "The database's folder can't be used: {reason}.",
    fix: "With the engine pglite set `dr.database.url` to a path, relative to the project, or to a file: URL.",
    exitCode: refused,
  },
  DATABASE_FOLDER_IN_USE: {
    message: "The database in {folder} is open in {who}.",
    fix: "Stop that program. If it is gone already, because it was killed, delete {mark}: the database recovers when it is opened next.",
    exitCode: refused,
  },
  DATABASE_FOLDER_CHANGED: {
    message: "Somebody used the database in {folder} meanwhile.",
    fix: "Stop the programs that use it, then run it again; it was left as it is.",
    exitCode: refused,
  },
  DATABASE_FOLDER_UNREADABLE: {
    message: "The database in {folder} can't be opened: {reason}.",
    fix: "See whether it is the data folder of a database, and of a version that the installed @electric-sql/pglite reads; `npx hardhat dr:db:restore --into NAME` makes another of a backup.",
    exitCode: refused,
  },
  DATABASE_DUMP_FOREIGN: {
    message: "{name} can't be loaded with PGlite: it holds {what}.",
    fix: 'Restore it into a PostgreSQL server with `engine: "postgres"`; nothing was restored.',
    exitCode: refused,
  },
  DATABASE_URL_INVALID: {
    message: "The database's URL can't be used: {reason}.",
    fix: "Write it as postgres://USER:PASSWORD@HOST:5432/DATABASE, with what is special in a password percent-encoded (@ is %40).",
    exitCode: refused,
  },
  DATABASE_UNREACHABLE: {
    message: "The database {database} can't be reached: {reason}.",
    fix: "See whether the server runs and lets this machine in, then run it again: that also drops a database hardhat_dr_scratch_… that was left.",
    exitCode: error,
  },
  DATABASE_TLS_FAILED: {
    message:
      "There is no secure connection to the database {database}: {reason}.",
    fix: "The certificate must be for the host that the URL names, and from an authority that is known or named there: `?sslmode=verify-full&sslrootcert=/path/ca.pem`. Where the server has none, `?sslmode=disable` does without encryption. PGSSLMODE in the environment counts where the URL says nothing.",
    exitCode: refused,
  },
  DATABASE_POOLED: {
    message:
      "The database {database} is behind a pooler that gives every transaction another connection, such as PgBouncer with pool_mode = transaction.",
    fix: "Write host and port of the server itself, or of a pool with pool_mode = session, into `dr.database.url` (or `dr.database.verify.url`). Nothing was changed.",
    exitCode: refused,
  },
  DATABASE_DENIED: {
    message: "The database {database} refuses {user}: {reason}.",
    fix: "Check user and password of `dr.database.url` (or `dr.database.verify.url`), and what that role is allowed to do.",
    exitCode: refused,
  },
  DATABASE_MISSING: {
    message: "There is no database {database}.",
    fix: "Check the name in `dr.database.url`; `psql --list` shows all of a server.",
    exitCode: refused,
  },
  DATABASE_FAILED: {
    message: "The database {database} says: {reason}.",
    fix: "PostgreSQL's own words are above; its log may say more.",
    exitCode: error,
  },
  DATABASE_TIME_LIMIT: {
    message:
      "The backup of the database took longer than {minutes} minutes, and was given up.",
    fix: "Run it when the server has less to do, with `--jobs`, or set `dr.database.timeLimitMinutes` higher. Nothing was made.",
    exitCode: error,
  },
  DATABASE_SPACE_MISSING: {
    message:
      "A dump in directory format needs about {megabytes} MB in {folder}, where {free} MB are free.",
    fix: "Make room, or leave out `--jobs` and `--format directory`: other formats are compressed on their way to the disk.",
    exitCode: refused,
  },
  DATABASE_TOOL_MISSING: {
    message: "There is no {tool} for PostgreSQL {server} on this machine.",
    fix: "Install PostgreSQL's client programs (`apt-get install postgresql-client`), at least of the server's major version.",
    exitCode: refused,
  },
  DATABASE_SERVER_TOO_OLD: {
    message:
      "The server at {host} is PostgreSQL {version}; {oldest} is the oldest that this works with.",
    fix: "Back it up with its own pg_dump, restore that on a newer server, and name it in `dr.database.url`. PostgreSQL maintains each version for five years.",
    exitCode: refused,
  },
  DATABASE_TOOL_TOO_OLD: {
    message: "{tool} is version {version}, older than the server's {server}.",
    fix: "Install the client programs of the server's major version, or a newer one.",
    exitCode: refused,
  },
  DATABASE_TOOL_FAILED: {
    message: "{tool} failed: {reason}.",
    fix: "Its own words are above. Nothing was made of what it had given so far; a database hardhat_dr_scratch_… that a lost connection has left is dropped by the next restore or verification.",
    exitCode: error,
  },
  MIGRATION_UNREADABLE: {
    message: "{file} can't be used as a migration: {reason}.",
    fix: "Mend the file, or name the right one. Nothing was changed.",
    exitCode: refused,
  },
  MIGRATION_IS_UP: {
    message: "{file} isn't a way back: {reason}.",
    fix: "Name the file that undoes it (`.down.sql`, or one with a down part). Nothing was changed.",
    exitCode: refused,
  },
  MIGRATION_NOT_ATOMIC: {
    message: "{file} can't run in one transaction: {what}.",
    fix: "Take that out and run it by itself, or use `--allow-outside-transaction`: then a failure half-way leaves what was done until then, and the way back is the backup made before.",
    exitCode: refused,
  },
  MIGRATION_FAILED: {
    message: "{file} fails at line {line} ({kind}): {reason}.",
    fix: "The transaction was rolled back: the database is as it was. Mend the file and run it again.",
    exitCode: error,
  },
  MIGRATION_HALF_DONE: {
    message:
      "{file} failed at line {line} ({kind}), outside of a transaction: {reason}. Done already and not undone: {done}.",
    fix: "Mend the file and do the rest by hand, or bring the database back as it was before: `{restore}`. That loses what was written since {at}.",
    exitCode: partial,
  },
  MIGRATION_LOCKED: {
    message:
      "{file} waited {seconds} s for a lock at line {line} ({kind}). It is held by {holders}.",
    fix: "Let them finish or end them (`SELECT pg_terminate_backend(PID)`), then run it again; or raise `dr.database.lockTimeoutSeconds`: while it waits, so do all that come after it. The database is as it was.",
    exitCode: error,
  },
  MIGRATION_UNDER_WAY: {
    message: "Somebody else is migrating {database} right now: {holders}.",
    fix: "Wait until they are done, then run it again. Nothing was changed.",
    exitCode: refused,
  },
  MIGRATION_DRIFTED: {
    message: "{database} isn't as it was when the rollback was shown: {what}.",
    fix: "Somebody else changed it meanwhile. The database is as it was; run it again to see what the rollback does now.",
    exitCode: refused,
  },
  MIGRATION_UNCERTAIN: {
    message:
      "The connection to {database} was lost while {file} was being committed, and nobody can say whether it was.",
    fix: "Once the server answers, `SELECT txid_status({transaction})` says committed or aborted. The backup made before is {backup}.",
    exitCode: partial,
  },
  MIGRATION_INTERRUPTED: {
    message: "Interrupted; the database is as it was.",
    fix: "Run it again.",
    exitCode: refused,
  },
  DATABASE_BUSY: {
    message: "{database} is being restored already, by {who}.",
    fix: "Wait until it has ended. If nobody is at it any more end that session: its process is gone with it.",
    exitCode: refused,
  },
  DATABASE_SWAP_BLOCKED: {
    message: "{database} can't be put aside: {reasons}.",
    fix: "Do that, and run it again; nothing has changed. With `--into NAME` it is restored beside, and nothing is put aside.",
    exitCode: refused,
  },
  DATABASE_SESSIONS_LEFT: {
    message: "{database} is in use, and these sessions don't end: {sessions}.",
    fix: "{database} is as it was. Stop what they belong to, or end them on the server (`SELECT pg_terminate_backend(PROCESS)`), then run it again.",
    exitCode: refused,
  },
  DATABASE_NOTHING_TO_UNDO: {
    message: "There is no database that was put aside for {database}.",
    fix: "`psql --list` shows all; those that were put aside are called {database}_before_ and a time.",
    exitCode: refused,
  },
  DATABASE_EXISTS: {
    message: "There is a database {database} already.",
    fix: "Name another with `--into`, or drop that one yourself; none that is there is ever written into.",
    exitCode: refused,
  },
  DATABASE_UNFIT: {
    message: "{name} can't be restored there: {reasons}.",
    fix: "Do that, and run it again; nothing was made.",
    exitCode: refused,
  },
  DATABASE_CLIENT_UNSAFE: {
    message:
      "Nothing proves who made {name}, and through {tool} {version} its maker could run programs on this machine.",
    fix: "{way}. Nothing was restored.",
    exitCode: refused,
  },
  DATABASE_DUMP_CUT: {
    message: "{name} is cut off: it doesn't end as pg_dump ends a dump.",
    fix: "Take another copy of it, or another backup; nothing was restored.",
    exitCode: refused,
  },
  DATABASE_RESTORED_WRONG: {
    message: "What came out of {name} isn't what was backed up: {problems}",
    fix: "The live database is as it was: take another backup, or {where}.",
    exitCode: error,
  },
  RESTORE_RECORD_UNREADABLE: {
    message:
      "{file}, which tells how far a broken-off restore of the database came, can't be read: {reason}.",
    fix: "Delete it and run the restore again: it starts anew, and drops what was left.",
    exitCode: refused,
  },
  PGBACKREST_NOT_CONFIGURED: {
    message:
      "The engine pgbackrest is chosen, and nothing says which stanza and which data folder.",
    fix: "Set `dr.database.pgbackrest.stanza` and `dr.database.pgbackrest.dataFolder` in hardhat.config.ts.",
    exitCode: refused,
  },
  PGBACKREST_MISSING: {
    message: "There is no pgbackrest on this machine.",
    fix: "Install it where the server runs: `apt-get install pgbackrest`.",
    exitCode: refused,
  },
  PGBACKREST_FOREIGN: {
    message: "{folder} belongs to user {uid}, and this process is user {me}.",
    fix: "Run it as that user (`sudo -u postgres npx hardhat …`), or as root.",
    exitCode: refused,
  },
  PGBACKREST_UNFIT: {
    message: "{what} can't be used for that: {reasons}.",
    fix: "Do that, and run it again; nothing was changed.",
    exitCode: refused,
  },
  PGBACKREST_DAMAGED: {
    message: "{what} is damaged: {problems}.",
    fix: "Make a new full backup (`dr:db:backup --type full`) and prove it with `dr:db:verify`. If pages of the live server are bad, see to its disk first.",
    exitCode: error,
  },
  PGBACKREST_BACKUP_MISSING: {
    message: "The stanza {stanza} has no backup {label}.",
    fix: "There are: {known}.",
    exitCode: refused,
  },
  PGBACKREST_TARGET_OUTSIDE: {
    message: "Nothing can be restored {target}: {reason}.",
    fix: "Choose another target, or leave it out to restore all that is archived. Nothing was changed.",
    exitCode: refused,
  },
  PGBACKREST_TARGET_UNREACHED: {
    message:
      "The archived log ends, or has a gap, before what is to be restored.",
    fix: "The live server is as it was. `pgbackrest verify --output=text` shows gaps; choose an earlier target.",
    exitCode: error,
  },
  PGBACKREST_SERVER_FAILED: {
    message: "The restored server doesn't work: {reason}.",
    fix: "The live server is as it was. Restore to an earlier target, or another backup.",
    exitCode: error,
  },
  PGBACKREST_STILL_RUNS: {
    message:
      "`{command}` has ended, and the server of {folder} runs all the same, or another answers as {database}.",
    fix: "Set `dr.database.pgbackrest.stop` and `start` to what stops and starts it for good, then run it again: what was restored and proven is kept. Nothing was moved.",
    exitCode: partial,
  },
  PGBACKREST_SWAP_UNDONE: {
    message:
      "The restored server didn't take the live one's place: {reason}. The old one is back, and answers.",
    fix: "See the server's log for why, mend that, and run it again; what was restored is in {folder}, and only differences are restored then.",
    exitCode: error,
  },
  PGBACKREST_STUCK: {
    message: "The server of {folder} doesn't work: {reason}.",
    fix: "Find out why in its log, start it, and run it again. Nothing was deleted: {where}.",
    exitCode: partial,
  },
  PGBACKREST_NOTHING_TO_UNDO: {
    message: "There is no data folder that was put aside for {folder}.",
    fix: "Those that were put aside lie beside it, and are called {folder}_before_ and a time.",
    exitCode: refused,
  },
  PGBACKREST_RECORD_UNREADABLE: {
    message:
      "{file}, which tells how far a broken-off restore of the server came, can't be read: {reason}.",
    fix: "See which data folders there are beside it and that the right one is in place and works, then delete it.",
    exitCode: refused,
  },
  RECOVER_TABLE_UNKNOWN: {
    message: "There is no table {table} to recover rows of: {reason}.",
    fix: "Name a table as it is written in the database, with its schema where it isn't in `public`: `app.Profiles`.",
    exitCode: refused,
  },
  RECOVER_TABLE_GONE: {
    message: "{table} is in the backup, but not in the database any more.",
    fix: "Where it was renamed, give it its old name for the time being. Where it was dropped, restore the backup beside, `npx hardhat dr:db:restore --into OTHER`, and take the table from there: `pg_dump --table`.",
    exitCode: refused,
  },
  RECOVER_KEY_MISSING: {
    message:
      "{table} has no primary key that is the same in the backup and in the database, so no row can be told from another.",
    fix: "Name columns that are unique and never null, here and in the backup: `--key {candidates}`. Where there are none, add a primary key, or copy rows by hand from the restored backup.",
    exitCode: refused,
  },
  RECOVER_SCHEMA_CHANGED: {
    message: "Rows of {table} no longer fit: {reason}.",
    fix: "Bring the table back to what it was (`dr:db:rollback`), or give the column a default, then run it again.",
    exitCode: refused,
  },
  RECOVER_DOES_NOT_FIT: {
    message:
      "An old row of {table} can't be what the table holds today: {reason}.",
    fix: "Leave it out with --where, or change the table so that it fits. Nothing was written.",
    exitCode: refused,
  },
  RECOVER_WHERE_INVALID: {
    message: "The condition of --where can't be used: {reason}.",
    fix: "Write it as after WHERE in a query of that table alone: `created_at > '2026-01-01' AND NOT banned`. It may read, nothing else.",
    exitCode: refused,
  },
  RECOVER_CSV_EXISTS: {
    message: "{path} is there already.",
    fix: "Name another file with `--csv`, or move that one away: none is ever replaced. Nothing was written to the database.",
    exitCode: refused,
  },
  RECOVER_READ_ONLY: {
    message: "No rows can be written into {database}: {reason}.",
    fix: "{way}",
    exitCode: refused,
  },
  RECOVER_ROW_SECURITY: {
    message:
      "Row-level security may hide rows of {table} in {database} from {user}.",
    fix: "Connect as a role that has BYPASSRLS, or as the owner of a table that doesn't force it: what is hidden would be taken for deleted.",
    exitCode: refused,
  },
  RECOVER_ERASED_INVALID: {
    message: "The erasure list of {table} can't be used: {reason}.",
    fix: "Correct `dr.database.erased`: nothing is brought back while it may say that something must not be.",
    exitCode: refused,
  },
  RECOVER_PARENT_MISSING: {
    message:
      "{count} of the rows refer by {constraint} to rows of {table} that are neither in the backup nor in the database.",
    fix: "Leave them out with --where, recover from another backup, or create what they refer to first.",
    exitCode: refused,
  },
  RECOVER_CONFLICT: {
    message:
      "{count} of the rows collide with rows that are there: made since, or changed so that they hold what must be unique.",
    fix: "Without `--apply` both of each pair are shown, and nothing is refused. Change or delete the newer one, or leave the older out with --where. Where rows have exchanged what must be unique, give those that are there any other value first: `--changed` brings theirs back.",
    exitCode: refused,
  },
  RECOVER_PLAN_CHANGED: {
    message:
      "The database has changed since the rows were shown, so nothing was written: {reason}.",
    fix: "Run it again and look at what it shows now.",
    exitCode: refused,
  },
  RECOVER_BUSY: {
    message:
      "The tables are in use, and {seconds} s were not enough to get hold of them.",
    fix: "Run it again; `SELECT * FROM pg_stat_activity` shows who holds them. Where an application writes without a pause, stop it for that moment. Nothing was written.",
    exitCode: refused,
  },
  RECOVER_UNTRANSLATABLE: {
    message:
      "Rows hold bytes that are no characters in {encoding}, so they can't be brought over: {reason}.",
    fix: "Where they aren't in a key, leave those rows out with --where. Copy them as they are: restore the backup beside (`dr:db:restore --into OTHER`), and with PGCLIENTENCODING={encoding} take them from there with psql's `\\copy (SELECT …) TO FILE`, and put them in with `\\copy … FROM FILE`. Nothing was written.",
    exitCode: refused,
  },
  RECOVER_REFUSED: {
    message: "The database refused the rows, so nothing was written: {reason}.",
    fix: 'Where a trigger refused them, set `dr.database.recover.triggers` to "skip"; else leave out with --where what it names.',
    exitCode: refused,
  },
  RECOVER_NOT_EQUAL: {
    message:
      "{count} rows of {table} weren't what they were in the backup, so nothing was written: {reason}.",
    fix: 'Where a trigger changes or drops what is inserted, set `dr.database.recover.triggers` to "skip"; a rule must be disabled meanwhile.',
    exitCode: error,
  },
  OFFSITE_UNREACHABLE: {
    message: "{storage} can't be reached ({operation}): {reason}.",
    fix: "Try again later, or use another target: `--target NAME`.",
    exitCode: error,
  },
  OFFSITE_DENIED: {
    message: "{storage} refuses {operation}: {reason}.",
    fix: "{way}",
    exitCode: refused,
  },
  OFFSITE_FULL: {
    message: "{storage} is full: {reason}.",
    fix: "Make room there (`npx hardhat dr:offsite:prune`), raise its quota, or use another target.",
    exitCode: error,
  },
  OFFSITE_EXISTS: {
    message: "{storage} has {key} already.",
    fix: "Nothing there is ever overwritten. If it differs from yours, look which is right before you delete either.",
    exitCode: refused,
  },
  OFFSITE_MISSING: {
    message: "{storage} has no {key}.",
    fix: "`npx hardhat dr:offsite:list` shows what there is.",
    exitCode: refused,
  },
  OFFSITE_DAMAGED: {
    message: "{storage} doesn't hold {key} as it was sent: {reason}.",
    fix: "Run it again. If it stays so, don't trust this target.",
    exitCode: error,
  },
  OFFSITE_LOCKED: {
    message: "{storage} keeps {key}: {reason}.",
    fix: "That is what its lock is for: it can be deleted when that ends.",
    exitCode: refused,
  },
  OFFSITE_INCOMPLETE: {
    message: "{summary}. See {report}.",
    fix: "Look there for what failed, then run `npx hardhat dr:offsite:replicate`: it sends only what is missing.",
    exitCode: partial,
  },
  SCHEDULE_DIFFERS: {
    message: "There already, and saying something else: {files}.",
    fix: "`--dry-run` shows what would change; `--force` writes it all the same, and `--out FOLDER` somewhere else.",
    exitCode: refused,
  },
  FILE_EXISTS: {
    message: "{path} is there already.",
    fix: "Name another folder with `--into`, or move it away.",
    exitCode: refused,
  },
  RESTORE_INTO_NEEDED: {
    message: "{name} is {what}; it can't be put in its place from here.",
    fix: "Say with `--into FOLDER` where it shall be unpacked.",
    exitCode: refused,
  },
  DISK_TOO_SMALL: {
    message:
      "The disk of {folder} has {freeBytes} bytes left; {neededBytes} and some more are needed.",
    fix: "Make room, or put `dr.paths.backups` on another disk.",
    exitCode: refused,
  },
  NOT_ENCRYPTED: {
    message: "{name} isn't encrypted; it doesn't leave this machine.",
    fix: "Set `dr.encryption` up and back up anew. Delete this one, with what is beside it, once there is an encrypted one; or leave it: it is no longer asked for when it is older than `--since`.",
    exitCode: refused,
  },
  OFFSITE_FAILED: {
    message: "{storage}: {operation} failed: {reason}.",
    fix: "The message above is the store's own; its documentation, or its keepers, know more.",
    exitCode: error,
  },
  GO_BAG_NOT_OPENED: {
    message: "{file} can't be opened with the key in {identityFile}.",
    fix: "It is for another key (`dr.goBag.recipients` when it was written) or was changed since. Take the right key, a copy of the file, or presign anew.",
    exitCode: refused,
  },
  GO_BAG_EMPTY: {
    message: "There is nothing presigned in {folder}.",
    fix: "`npx hardhat dr:safe:presign pause --all` prepares it, in calm.",
    exitCode: refused,
  },
  PRESIGN_NOTHING: {
    message: "There is nothing for a Safe to presign: {reason}.",
    fix: "`npx hardhat dr:status` shows who may pause and upgrade. What an account or a timelock does can't be signed ahead.",
    exitCode: refused,
  },
  SAFE_SERVICE_NOT_CONFIGURED: {
    message: "No Safe Transaction Service is set up.",
    fix: 'Add `dr.safeService` with `apiKey: configVariable("SAFE_API_KEY")`, or the `url` of your own, to hardhat.config.ts; or pass on the file, which needs no service.',
    exitCode: refused,
  },
  SAFE_SERVICE_PACKAGE_MISSING: {
    message: "The Safe Transaction Service needs @safe-global/api-kit.",
    fix: "Install it: `npm install --save-dev @safe-global/api-kit`; or pass on the file, which needs no service.",
    exitCode: refused,
  },
  SAFE_SERVICE_FAILED: {
    message: "The Safe Transaction Service ({host}) failed: {reason}.",
    fix: "Try again later, or pass on the file, which needs no service.",
    exitCode: error,
  },
  SIGNATURE_MALFORMED: {
    message: "That isn't a signature: {reason}.",
    fix: "Copy it whole: 0x and 130 hexadecimal digits, of a contract more.",
    exitCode: refused,
  },
  SIGNATURE_NOT_OF_OWNER: {
    message:
      "The signature is of {signer}, who isn't an owner of {safe}; or it is of something else than this transaction.",
    fix: "Have an owner sign the safeTxHash that `npx hardhat dr:safe:status` shows; compare every digit.",
    exitCode: refused,
  },
  SIGNATURE_OTHER_NONCE: {
    message: "{signer} signed it with the nonce {signed} instead of {nonce}.",
    fix: "Sign this proposal again; a signature is for one nonce only.",
    exitCode: refused,
  },
  SIGNATURE_OTHER_CHAIN: {
    message: "{signer} signed it for the chain {signed} instead of {chainId}.",
    fix: "Switch the wallet to this network and sign again.",
    exitCode: refused,
  },
  SIGNATURE_OTHER_SAFE: {
    message: "{signer} signed it for the Safe {signed} instead of {safe}.",
    fix: "Sign again, for this Safe.",
    exitCode: refused,
  },
  SIGNATURE_DUPLICATE: {
    message: "{signer} has signed already; {safe} counts every owner once.",
    fix: "Have another owner sign.",
    exitCode: refused,
  },
  SIGNATURE_NOT_APPROVED: {
    message: "{signer} hasn't approved {hash} on the chain.",
    fix: "It must call approveHash({hash}) of {safe}; or sign with a key.",
    exitCode: refused,
  },
  SIGNATURE_CONTRACT_REFUSES: {
    message: "{signer}, a contract, doesn't accept the signature: {reason}.",
    fix: "Have it call approveHash({hash}) of {safe} instead. A Safe needs a fallback handler that fits the version of the Safe it owns.",
    exitCode: refused,
  },
  SIGNATURES_MISSING: {
    message:
      "{have} of {threshold} owners of {safe} have signed. Missing: {missing}.{worthless}",
    fix: "`npx hardhat dr:safe:sign` adds a signature; then run this again.",
    exitCode: waiting,
  },
  SIGNATURES_REFUSED: {
    message: "{safe} refuses these signatures: {reason}.",
    fix: "`npx hardhat dr:safe:status` says what is wrong with which. Nothing was sent.",
    exitCode: refused,
  },
  PROPOSAL_MISSING: {
    message: "The proposal {file} can't be read: {reason}.",
    fix: "`npx hardhat dr:safe:status` lists the proposals of a network; check `--network`.",
    exitCode: refused,
  },
  PROPOSAL_INVALID: {
    message: "{file} isn't a proposal: {reason}.",
    fix: "Take an unchanged copy, from version control or from whoever proposed it.",
    exitCode: refused,
  },
  PROPOSAL_TOO_NEW: {
    message:
      "{file} has schemaVersion {version}; this hardhat-dr reads up to {supported}.",
    fix: "Update hardhat-dr: `npm install --save-dev hardhat-dr@latest`.",
    exitCode: refused,
  },
  PROPOSAL_CHANGED: {
    message: "{file} was changed since it was written: {what}.",
    fix: "Don't sign it. Take an unchanged copy and ask who changed this one; signatures are added with `npx hardhat dr:safe:sign`, never by hand.",
    exitCode: refused,
  },
  PROPOSAL_MISNAMED: {
    message: "{file} holds the proposal {hash}.",
    fix: "Name it {hash}.json, or add its signatures to another copy with `--merge`.",
    exitCode: refused,
  },
  PROPOSALS_DIFFER: {
    message:
      "These are two proposals, {ours} and {theirs}: their {what} differ.",
    fix: "Signatures of one are worth nothing in the other. Sign the one you mean.",
    exitCode: refused,
  },
  TIMELOCK_NOT_NAMED: {
    message:
      "It isn't said which timelock is meant: deploy.json names none, and over its contracts stand {found}.",
    fix: "Name it with `--timelock 0x…`, or write it into deploy.json as `governance.timelock`.",
    exitCode: refused,
  },
  CALL_INVALID: {
    message: "{call}: {reason}.",
    fix: "Write NAME.method(arguments), with arguments as in JSON: 'SkillProfile.pause()'. NAME is a contract of deploy.json, `timelock`, or an address; where the ABI isn't known here give the types too: '0x….setFee(uint256)(5)'.",
    exitCode: refused,
  },
  OPERATION_DELAY_TOO_SHORT: {
    message:
      "A delay of {delay} s is too short: the timelock {timelock} demands {minimum} s.",
    fix: "Leave out `--delay`, or give at least {minimum}. Nothing was sent.",
    exitCode: refused,
  },
  OPERATION_ALREADY_SCHEDULED: {
    message: "The operation {id} is scheduled already, for {readyAt}.",
    fix: "Then: `npx hardhat dr:timelock:execute {id}`. To have it done once more after that give another `--salt`. Nothing was sent.",
    exitCode: refused,
  },
  OPERATION_ALREADY_DONE: {
    message:
      "The operation {id} is done; a timelock takes the same id only once.",
    fix: "To do the same again leave out `--salt`, or give another one; what is done can't be cancelled. Nothing was sent.",
    exitCode: refused,
  },
  OPERATION_UNKNOWN: {
    message: "No operation {id} was ever scheduled with {places}.",
    fix: "`npx hardhat dr:timelock:status --all` lists them; name another timelock with `--timelock`.",
    exitCode: refused,
  },
  OPERATION_NOT_READY: {
    message:
      "The operation {id} is not ready for another {seconds} s: at {readyAt}.",
    fix: "Then run the same command again. Nothing was sent.",
    exitCode: waiting,
  },
  OPERATION_CANCELLED: {
    message: "The operation {id} was cancelled, by the transaction {tx}.",
    fix: "Find out why; if it is still wanted schedule it again: `npx hardhat dr:timelock:schedule`.",
    exitCode: refused,
  },
  OPERATION_EXPIRED: {
    message: "The operation {id} expired at {expiredAt}.",
    fix: "Nobody can execute it any more. If it is wanted whoever scheduled it must do so again.",
    exitCode: refused,
  },
  OPERATION_PREDECESSOR_NOT_DONE: {
    message:
      "The operation {id} must not run before its predecessor {predecessor}, which isn't done.",
    fix: "First: `npx hardhat dr:timelock:execute {predecessor}`. Nothing was sent.",
    exitCode: refused,
  },
  OPERATION_SALT_UNKNOWN: {
    message:
      "The salt of the operation {id} isn't known: neither the timelock's log nor the transaction {tx} tells it.",
    fix: "Ask whoever scheduled it and give it: `--salt 0x…`.",
    exitCode: refused,
  },
  OPERATION_SALT_WRONG: {
    message: "With the salt {salt} it would be another operation than {id}.",
    fix: "Leave out `--salt` where the log tells it, or give the one it was scheduled with.",
    exitCode: refused,
  },
  OPERATION_WOULD_REVERT: {
    message:
      "The operation {id} would revert if it were executed now: {reason}.",
    fix: "Mend the cause, or cancel it: `npx hardhat dr:timelock:cancel {id}`. Nothing was sent.",
    exitCode: refused,
  },
  // Telling people
  NOTIFY_NOT_CONFIGURED: {
    message: "There is no channel to tell anybody by.",
    fix: "Set one up as `dr.notify` in hardhat.config.ts: slack, pagerduty, email or webhook.",
    exitCode: refused,
  },
  NOTIFY_SETTING_INVALID: {
    message: "{channel}: `{setting}` can't be used: {reason}.",
    fix: "Correct it in hardhat.config.ts, or the variable that it is read from, then run `npx hardhat dr:notify:test {channel}`.",
    exitCode: refused,
  },
  NOTIFY_UNREACHABLE: {
    message: "{channel}: {host} can't be reached: {reason}.",
    fix: "Check the host's name and the way to it, then run `npx hardhat dr:notify:test {channel}`.",
    exitCode: error,
  },
  NOTIFY_TIMEOUT: {
    message: "{channel}: no answer within {seconds} s.",
    fix: "Nobody knows whether the message has arrived: look, and tell people another way; `npx hardhat dr:notify:test {channel}` measures again.",
    exitCode: error,
  },
  NOTIFY_BUSY: {
    message: "{channel}: {host} takes nothing for the moment: {reason}.",
    fix: "Tell people another way, and later run `npx hardhat dr:notify:test {channel}`.",
    exitCode: error,
  },
  NOTIFY_REFUSED: {
    message: "{channel}: {host} refuses the message: {reason}.",
    fix: "Check what `dr.notify` says of it in hardhat.config.ts, such as a URL or a key that was revoked; then run `npx hardhat dr:notify:test {channel}`.",
    exitCode: error,
  },
  NOTIFY_ANSWER_INVALID: {
    message:
      "{channel}: {host} doesn't answer as it should (HTTP {status}): {reason}.",
    fix: "Something else may answer in its place, such as a proxy or a login page; nobody knows whether the message has arrived.",
    exitCode: error,
  },
  NOTIFY_TLS_FAILED: {
    message:
      "{channel}: no connection to {host} that can be trusted: {reason}.",
    fix: "Have the server offer TLS with a certificate that this machine trusts, or name its authority as `dr.notify.email.caFile`; `allowPlain: true` puts up with a server that has no TLS, and anybody between can read along.",
    exitCode: error,
  },
  NOTIFY_DENIED: {
    message: "{channel}: {host} refuses the user or the password: {reason}.",
    fix: "Check them in `dr.notify.email.server`; what isn't a letter or a digit there must be percent-encoded.",
    exitCode: error,
  },
  NOTIFY_PACKAGE_MISSING: {
    message: "E-mail needs the package nodemailer, which isn't installed.",
    fix: "`npm install --save-dev nodemailer`.",
    exitCode: refused,
  },
  NOTIFY_FAILED: {
    message: "{channel}: the message couldn't be sent: {reason}.",
    fix: "Run `npx hardhat dr:notify:test {channel}`; if it fails in the same way, report it.",
    exitCode: error,
  },
  BANNER_NOT_UPLOADED: {
    message: "The banner wasn't uploaded: {reason}.",
    fix: "Visitors see the one before. Check `dr.banner.upload` in hardhat.config.ts (presigned URLs expire), or put `dr.banner.file` there by hand.",
    exitCode: error,
  },
  BANNER_FOREIGN: {
    message: "{file} is something else than a banner, and is left alone.",
    fix: "Name another file as `dr.banner.file` in hardhat.config.ts, or move this one away.",
    exitCode: refused,
  },
  // The command line
  OPTION_INVALID: {
    message: "{option} is {value}, which isn't {expected}.",
    fix: "Correct it; `npx hardhat TASK --help` describes all options.",
    exitCode: refused,
  },
  // Drills
  DRILL_NOT_ITS_OWN: {
    message: "{what} doesn't bear the mark of this drill: it isn't broken.",
    fix: "A drill breaks only what it has made itself. If you believe that it made this, report it with the drill's log.",
    exitCode: refused,
  },
  DRILL_NOTHING_TO_BREAK: {
    message: "There is no table with rows in the copy of the database.",
    fix: "Drill a database that holds something, or leave this step out of a scenario of your own (docs/drills.md).",
    exitCode: refused,
  },
  DRILL_SCENARIO_INVALID: {
    message: "{file} is no scenario: {reason}.",
    fix: "Correct it; docs/drills.md describes scenarios.",
    exitCode: refused,
  },
  DRILL_SCENARIO_UNKNOWN: {
    message: "There is no scenario {name}.",
    fix: "Name one of: {known}.",
    exitCode: refused,
  },
  DRILL_RECOVERY_FAILED: {
    message: "{task} ended with exit code {exitCode}: {reason}.",
    fix: "See the drill's log; the same would have happened in an incident.",
    exitCode: error,
  },
  DRILL_INTERRUPTED: {
    message: "Interrupted; what the drill had made is removed.",
    fix: "Run it again.",
    exitCode: refused,
  },
  // Upgrades
  UPGRADE_TARGET_UNKNOWN: {
    message:
      "{to} is neither an address nor a contract of this project (or several contracts have that name).",
    fix: "Compile it (`npx hardhat build`), or give its fully qualified name: contracts/File.sol:Name.",
    exitCode: refused,
  },
  CONSTRUCTOR_ARGUMENTS: {
    message: "The constructor of {contract} can't be called so: {reason}.",
    fix: "Give its arguments as a JSON array: `--constructor-args '[…]'`.",
    exitCode: refused,
  },
  NEEDS_LIBRARIES: {
    message:
      "{contract} is abstract or must be linked with libraries, so it can't be deployed from here.",
    fix: "Deploy it with your own script and give its address: `--to 0x…`.",
    exitCode: refused,
  },
  DEPLOYMENT_WOULD_FAIL: {
    message: "The deployment of {contract} would fail: {reason}.",
    fix: "Mend its constructor or its arguments; nothing was sent.",
    exitCode: refused,
  },
  NO_ACCOUNTS: {
    message: "No account can sign on {network}.",
    fix: "Add one to the network's `accounts` in hardhat.config.ts, from a keystore if you like.",
    exitCode: refused,
  },
  // Signers
  SIGNER_UNKNOWN: {
    message: "{from} isn't an account that can sign on {network}.",
    fix: "Add its key to the network's `accounts`, a keystore or a hardware wallet plugin. Accounts now: {known}.",
    exitCode: refused,
  },
  PRIVATE_RPC_NEEDS_KEY: {
    message:
      "{from} signs behind the network's own RPC, so its transactions can't go to a private one.",
    fix: "Use an account whose key Hardhat holds (`accounts` or the keystore), or leave out `--private-rpc`.",
    exitCode: refused,
  },
  SIGNING_FAILED: {
    message: "{account} didn't sign: {reason}.",
    fix: "See whether the wallet asks for something, and that it takes typed data (EIP-712); or sign elsewhere and give `--signature 0x…`.",
    exitCode: error,
  },
  PROCEDURE_UNKNOWN: {
    message:
      "The journal is of a procedure that this version doesn't know: {procedure}.",
    fix: "Use the version of hardhat-dr that started the run.",
    exitCode: refused,
  },
  // Runs
  JOURNAL_TAMPERED: {
    message:
      "The journal {path} isn't what was written: line {line} breaks its hash chain.",
    fix: "Don't resume it. Look at the chain with `npx hardhat dr:status` and start a new run for what is missing.",
    exitCode: refused,
  },
  NOT_WRITABLE: {
    message: "{path} can't be written: {reason}.",
    fix: "Make room on the disk or mend the permissions, then run the same command again, or `npx hardhat dr:resume` if a run had begun.",
    exitCode: refused,
  },
  JOURNAL_NOT_WRITTEN: {
    message: "The journal {path} can't be written: {reason}.",
    fix: "Nothing is done that can't be journaled first. Make room on the disk or mend the permissions, then `npx hardhat dr:resume`; if no run had begun, run the same command again.",
    exitCode: refused,
  },
  JOURNAL_UNREADABLE: {
    message: "The journal {path} can't be read: {reason}.",
    fix: "`npx hardhat dr:runs` lists the runs of a network; check `--network` and the file's permissions.",
    exitCode: refused,
  },
  JOURNAL_EMPTY: {
    message:
      "The journal {path} doesn't say what was approved: the run was stopped before it began.",
    fix: "Nothing was done in it. Start a new run.",
    exitCode: refused,
  },
  RUN_UNKNOWN: {
    message: "There is no run {run} on this network.",
    fix: "Known runs: {known}.",
    exitCode: refused,
  },
  RUN_AMBIGUOUS: {
    message: "Several runs are unfinished: {runs}.",
    fix: "Name the one to go on with: `npx hardhat dr:resume RUN`.",
    exitCode: refused,
  },
  NO_RUNS: {
    message: "There is no run in {folder} yet.",
    fix: "`npx hardhat dr:runs` lists them; check `--network`. A closed incident is reported by its id, which `npx hardhat dr:incident:list` tells.",
    exitCode: refused,
  },
  NOTHING_TO_RESUME: {
    message: "No run is unfinished in {folder}.",
    fix: "`npx hardhat dr:runs` lists them; check `--network`.",
    exitCode: refused,
  },
  RUN_WAITING: {
    message: "The run {run} waits: {reason}.",
    fix: "Go on with it later: `npx hardhat dr:resume {run}`.",
    exitCode: waiting,
  },
  RUN_ALREADY_DONE: {
    message: "The run {run} is done; there is nothing left to do.",
    fix: "`npx hardhat dr:status` shows how things stand now.",
    exitCode: refused,
  },
  RESUME_PLAN_CHANGED: {
    message:
      "What is left of {run} is no longer what was approved:\n{differences}",
    fix: "Start a new run and approve it as it is now.",
    exitCode: refused,
  },
  NOT_CONFIRMED: {
    message: "Not confirmed; nothing was changed.",
    fix: "Run it again and confirm, or use `--dry-run` to look only.",
    exitCode: refused,
  },
  NO_TERMINAL: {
    message: "There is no terminal to ask for confirmation.",
    fix: "Use `--yes` to apply it without a question; `--dry-run`, where the task has it, only shows the plan.",
    exitCode: refused,
  },
  MENU_NEEDS_TERMINAL: {
    message: "There is no terminal in which a backup could be chosen.",
    fix: "Say which: `npx hardhat dr:offsite:restore database latest`, or `contracts`, `files`, `configuration`, `full`. `npx hardhat dr:offsite:list` shows what there is.",
    exitCode: refused,
  },
  INTERRUPTED: {
    message: "Interrupted; the run stopped between two steps or while waiting.",
    fix: "`npx hardhat dr:resume` goes on where it stopped; nothing is sent twice.",
    exitCode: partial,
  },
  RUN_LOCKED: {
    message:
      "Another run is at work: {user}@{host}, process {pid}, for {seconds} s.",
    fix: "Wait for it, or stop it. If that host is gone for good, delete {path}.",
    exitCode: refused,
  },
  LOCK_UNREADABLE: {
    message: "The lock {path} doesn't say who is at work.",
    fix: "See that no other run is at work, then delete {path}.",
    exitCode: refused,
  },
  WRONG_CHAIN: {
    message:
      "{network} answers with chainId {actual}, but {file} is for chainId {expected}.",
    fix: "Choose the right `--network`, or correct the network's `url` or `dr.rpcQuorum` in hardhat.config.ts.",
    exitCode: refused,
  },
  HISTORY_EDITED: {
    message:
      "The list of exercises in {file} isn't between its two marks as it was generated, so that it is left as it is.",
    fix: "Rename it, run `npx hardhat dr:history --markdown` for a new one, and copy your notes into that, above or below the marks.",
    exitCode: refused,
  },
  EMERGENCY_WOULD_FAIL: {
    message:
      "Tried on a fork of the chain, the emergency upgrade fails: {reason}",
    fix: "Read {report}; correct the target or the arguments, then run it again. Nothing was proposed.",
    exitCode: refused,
  },
  INCIDENT_NOT_WRITTEN: {
    message: "The incident document isn't written in {folder}: {reason}.",
    fix: "Mend that, then run `npx hardhat dr:incident:report` again: the journal has everything, nothing is lost.",
    exitCode: error,
  },
  INCIDENT_UNKNOWN: {
    message: "There is no incident {incident} in {folder}.",
    fix: "Known incidents: {known}. `npx hardhat dr:incident:list` shows them.",
    exitCode: refused,
  },
  INCIDENT_AMBIGUOUS: {
    message: "More than one incident is open: {incidents}.",
    fix: "Say which one: `--incident ID`.",
    exitCode: refused,
  },
  NO_OPEN_INCIDENT: {
    message: "No incident is open in {folder}.",
    fix: 'Open one: `npx hardhat dr:incident:open --title "what is wrong"`, or name a closed one with `--incident ID`.',
    exitCode: refused,
  },
  INCIDENT_CLOSED: {
    message: "{incident} is closed, since {at} by {by}.",
    fix: "Open a new incident; `npx hardhat dr:incident:note --incident {incident}` adds to a closed one.",
    exitCode: refused,
  },
  INCIDENT_TAMPERED: {
    message:
      "The incident's journal {path} isn't what was written: line {line} breaks its hash chain.",
    fix: "Keep the file as it is, as evidence, and compare it with version control or with another copy. `--incident ID` goes on with another incident; open a new one for what is going on now.",
    exitCode: refused,
  },
  INCIDENT_UNREADABLE: {
    message: "The incident's journal {path} can't be read: {reason}.",
    fix: "Mend the permissions, or bring the file back from version control.",
    exitCode: refused,
  },
  INCIDENT_BUSY: {
    message:
      "{incident} is being written by {user}@{host}, process {pid}, and doesn't come free.",
    fix: "Run the same command again. If that process is gone for good, delete {path}.",
    exitCode: refused,
  },
  // Rehearsals
  FORK_FAILED: {
    message: "{network} can't be forked at block {block}: {reason}.",
    fix: "The RPC must answer eth_getStorageAt and eth_getCode for its latest block; take another one, then run the same command again. Nothing was sent.",
    exitCode: error,
  },
  PROOF_INVALID: {
    message: "`{proof}` isn't a call that can be made: {reason}.",
    fix: 'Write NAME.method(arguments), with arguments as in JSON: --prove \'SkillProfile.register("ada", "smith")\'. Where the contract\'s source isn\'t in this project give the types too: \'SkillProfile.register(string,string)("ada", "smith")\'.',
    exitCode: refused,
  },
  PROOF_INCONCLUSIVE: {
    message:
      "{call} proves nothing: it reverts before the pause already, from {senders}: {reason}.",
    fix: "Take a call that passes now: other arguments, or an account that may make it with --from. Nothing was sent.",
    exitCode: refused,
  },
  PROOF_FAILED: {
    message: "The pause doesn't stop {call}: from {sender} it still passes.",
    fix: "That method isn't guarded by the pause. To pause all the same leave out --prove. Nothing was sent.",
    exitCode: refused,
  },
  // Storage layouts
  LAYOUT_RECORD_BROKEN: {
    message:
      "{path} isn't a record of an implementation's storage layout: {reason}.",
    fix: "Restore it from version control, or delete it: it is written again when the contract is found among the project's artifacts.",
    exitCode: refused,
  },
  ROLLBACK_CORRUPTS_STORAGE: {
    message:
      "{proxy}: the target reads what is in storage as something else.\n{slots}",
    fix: "Roll back to a version whose layout fits. If you know that these slots may be misread, run again with `--accept-storage-risk {needed}`.",
    exitCode: refused,
  },
  STORAGE_SLOT_INVALID: {
    message: "`{slot}` isn't the number of a storage slot.",
    fix: "Name slots as the safety report does: `--accept-storage-risk 3,0x1f…`.",
    exitCode: refused,
  },
  UPGRADE_UNSAFE: {
    message: "{contract} isn't safe to upgrade to.\n{explanation}",
    fix: "Change {contract} as explained; what is right as it is can be annotated, see https://docs.openzeppelin.com/upgrades-plugins/faq.",
    exitCode: refused,
  },

  // hardhat-dr/testing
  ROLLBACK_NOT_PROVEN: {
    message: "It isn't proven that {name} can be rolled back: {reason}.",
    fix: "Correct the scenario of this test, or compile the project again with storage layouts: `npx hardhat build --force`.",
    exitCode: error,
  },
  TEST_RUNNER_MISSING: {
    message: "rollbackTest needs a test runner that has a global it().",
    fix: "Run it with mocha, or call proveRollback() inside a test of your own.",
    exitCode: error,
  },

  // deploy.json
  DEPLOY_FILE_MISSING: {
    message: "There is no {file}.",
    fix: "Write it with `npx hardhat dr:init NAME=0xPROXY --network …`, or from another tool's records with `npx hardhat dr:init --import --network …`.",
    exitCode: refused,
  },
  DEPLOY_FILE_UNREADABLE: {
    message: "{file} can't be read: {reason}.",
    fix: "Give this user the right to read it, and see that it is a file.",
    exitCode: refused,
  },
  DEPLOY_FILE_NOT_JSON: {
    message: "{file} isn't JSON: line {line}, column {column}: {reason}.",
    fix: "Correct line {line}, or take the last good version from version control.",
    exitCode: refused,
  },
  DEPLOY_FILE_INVALID: {
    message: "{file}: {field} is {found}, but must be {expected}.{others}",
    fix: "Correct {field}; if the right value is lost, move the file away and read the facts from the chain again with `npx hardhat dr:init`.",
    exitCode: refused,
  },
  DEPLOY_FILE_TOO_NEW: {
    message:
      "{file} has schemaVersion {version}; this hardhat-dr reads up to {supported}.",
    fix: "Update hardhat-dr: `npm install --save-dev hardhat-dr@latest`.",
    exitCode: refused,
  },
  DEPLOY_FILE_CHANGED: {
    message:
      "{file} was changed by somebody else since it was read; nothing was written.",
    fix: "Look at the change, then run the same command again.",
    exitCode: error,
  },
  DEPLOY_FILE_NOT_WRITTEN: {
    message:
      "{file} can't be written: {reason}. What was there before is untouched.",
    fix: "Free some space or give this user the right to write in its folder, then run the same command again.",
    exitCode: error,
  },
  CONTRACT_UNKNOWN: {
    message: "deploy.json has no contract {name}.{suggestion}",
    fix: "Name one of: {known}.",
    exitCode: refused,
  },
  NO_CONTRACTS_NAMED: {
    message: "No contract is named.",
    fix: "Name one or more of: {known}; or say --all.",
    exitCode: refused,
  },
  NAMES_AND_ALL: {
    message: "Both --all and names ({names}) are given.",
    fix: "Give one or the other.",
    exitCode: refused,
  },
  NO_PREVIOUS_IMPLEMENTATION: {
    message: "{name} has no previous implementation to go back to: {reason}.",
    fix: "Name one with --to: {known}. Where there is none, go forward: `npx hardhat dr:upgrade {name} --to CONTRACT`.",
    exitCode: refused,
  },
  TARGET_UNKNOWN: {
    message: "deploy.json knows no implementation {target} of {name}.",
    fix: "Take one of: {known}.",
    exitCode: refused,
  },
  TARGET_AMBIGUOUS: {
    message:
      "{name} has several implementations of version {target}: {matches}.",
    fix: "Give the address of the one you mean.",
    exitCode: refused,
  },
  TARGET_IS_CURRENT: {
    message: "{name} already has the implementation {target}.",
    fix: "Take another one: {known}.",
    exitCode: refused,
  },
  TARGET_MARKED_BAD: {
    message: "{target} of {name} is marked bad: {reason}.",
    fix: "Take another one, or give the address {address} if you mean it.",
    exitCode: refused,
  },

  // dr:init
  INIT_ARGUMENT_INVALID: {
    message: "`{argument}`: {reason}.",
    fix: "Write NAME=0xPROXY, e.g. SkillProfile=0x5FbDB2315678afecb367f032d93F642f64180aa3.",
    exitCode: refused,
  },
  INIT_NOTHING_NAMED: {
    message: "There is no {file} yet, and no contract is named.",
    fix: "Name the contracts: `npx hardhat dr:init NAME=0xPROXY`, or read another tool's records: `npx hardhat dr:init --import`.",
    exitCode: refused,
  },
  IMPORT_TOOL_UNKNOWN: {
    message: "Records of {tool} can't be imported.",
    fix: "Name one of: {known}.",
    exitCode: refused,
  },
  IMPORT_NOTHING_FOUND: {
    message:
      "No records of {tools} for chain {chainId} were found. Looked for: {places}.",
    fix: "Run in the project that deployed, or name the contracts: `npx hardhat dr:init NAME=0xPROXY`.",
    exitCode: refused,
  },
  IMPORT_AMBIGUOUS: {
    message: "Records of several tools were found: {tools}.",
    fix: "Name the one to read: --import {example}.",
    exitCode: refused,
  },
  IMPORT_WRONG_CHAIN: {
    message:
      "{file} is for chain {found}, but the network is chain {expected}.",
    fix: "Choose the network these records are for with --network.",
    exitCode: refused,
  },
  IMPORT_BROKEN: {
    message: "{file}, written by {tool}, can't be used: {reason}.",
    fix: "Take the file from version control, or name the contracts: `npx hardhat dr:init NAME=0xPROXY`.",
    exitCode: refused,
  },
} as const satisfies Record<string, Descriptor>;
