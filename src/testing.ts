/**
 * For the tests of projects that use hardhat-dr: that an upgrade could be
 * rolled back is shown before it goes live.
 *
 * @module hardhat-dr/testing
 */
export { drChai } from "./testing/chai-assertions.js";
export {
  proveRollback,
  type Connected,
  type ProvenRollback,
  type RollbackScenario,
} from "./testing/prove-rollback.js";
export { rollbackTest } from "./testing/rollback-test.js";
