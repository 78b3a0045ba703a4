import type { Call } from "../core/call.js";
import { sameAddress } from "../core/hex.js";
import {
  managedExecution,
  managedScheduling,
} from "../route/access-manager/calls.js";
import type { RoutedAction } from "../route/access-manager/unwrap.js";
import { callerOf, type RouteChoice } from "../route/choice.js";
import { groupByRoute, type ChosenCall } from "../route/seal.js";
import {
  executionCall,
  schedulingCall,
  toOperation,
} from "../route/timelock/calls.js";
import { hashManagedOperation } from "../timelock/managed-operation.js";
import { hashOperation } from "../timelock/operation.js";
import type { ChangeIntent } from "./change-intent.js";
import { roundsOf } from "./change-rounds.js";
import type { Facts } from "./facts.js";
import { pauseCall } from "./pause-call.js";
import type { PauseIntent } from "./pause-plan.js";

/** What a pause or an unpause rests on. */
export function factsOfPause({ contracts, paused }: PauseIntent): Facts {
  return merge([
    { proxies: contracts.map(({ name, proxy }) => ({ name, proxy })) },
    factsOfCalls(
      contracts.map(({ name, proxy, route }) => ({
        call: pauseCall(name, proxy, paused),
        route,
      })),
    ),
  ]);
}

/** What a rollback or an upgrade rests on, begun or not. */
export function factsOfChange(intent: ChangeIntent): Facts {
  const { contracts, deployment } = intent;
  const rounds = roundsOf(intent);
  return merge([
    {
      proxies: contracts.map(({ name, proxy, beacon, from, to }) => ({
        name,
        proxy,
        ...(beacon === undefined ? {} : { beacon }),
        implementations: [from, to],
      })),
      codes: contracts.flatMap(({ from, to, toCodeHash }) => [
        { address: from },
        {
          address: to,
          hash: toCodeHash,
          mayBeMissing:
            deployment !== undefined && sameAddress(deployment.address, to),
        },
      ]),
    },
    ...[rounds.pause, rounds.upgrade, rounds.unpause].map((round) =>
      factsOfCalls(round.map(toChosenCall)),
    ),
  ]);
}

function toChosenCall({ action, route }: RoutedAction): ChosenCall {
  return { call: action.call, route };
}

/** Calls of one round: those of one route go together. */
function factsOfCalls(chosen: readonly ChosenCall[]): Facts {
  return merge(
    [...groupByRoute(chosen).values()].map((group) => {
      const [first] = group;
      return first === undefined
        ? {}
        : factsOfRoute(
            first.route,
            group.map(({ call }) => call),
          );
    }),
  );
}

/** What those who carry out these calls rest on, to the ends of the route. */
function factsOfRoute(route: RouteChoice, calls: readonly Call[]): Facts {
  switch (route.kind) {
    case "direct":
      return {};
    case "safe":
      return { safes: [route.safe] };
    case "timelock": {
      const { timelock, proposer, executor, round } = route;
      const operation = toOperation(timelock, calls, round ?? 0);
      const id = hashOperation(operation);
      return merge([
        { operations: [{ kind: "timelock", at: timelock, id }] },
        factsOfRoute(proposer, [schedulingCall(route, operation, calls)]),
        factsOfRoute(executor, [executionCall(route, operation, calls)]),
      ]);
    }
    case "access-manager": {
      const { manager, member } = route;
      const caller = callerOf(member);
      return merge([
        {
          operations: calls.map(({ to, data }) => ({
            kind: "access-manager",
            at: manager,
            id: hashManagedOperation(caller, to, data),
          })),
        },
        ...[managedScheduling, managedExecution].map((wrap) =>
          factsOfRoute(
            member,
            calls.map((call) => wrap(manager, call)),
          ),
        ),
      ]);
    }
  }
}

function merge(all: readonly Facts[]): Facts {
  return {
    proxies: all.flatMap(({ proxies }) => proxies ?? []),
    codes: all.flatMap(({ codes }) => codes ?? []),
    safes: all.flatMap(({ safes }) => safes ?? []),
    operations: all.flatMap(({ operations }) => operations ?? []),
  };
}
