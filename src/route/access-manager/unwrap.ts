import type { RouteChoice } from "../choice.js";
import type { Action } from "../route.js";
import { managedExecution } from "./calls.js";

/** An action with the way it goes. */
export interface RoutedAction {
  readonly action: Action;
  readonly route: RouteChoice;
}

/**
 * What an AccessManager lets through at once is its member's own call to the
 * manager: put so, it can go together with the member's other calls.
 */
export function unwrapManaged({ action, route }: RoutedAction): RoutedAction {
  if (route.kind !== "access-manager" || BigInt(route.delaySeconds) > 0n) {
    return { action, route };
  }
  const { manager, member } = route;
  return unwrapManaged({
    action: { ...action, call: managedExecution(manager, action.call) },
    route: member,
  });
}

/** The route of the unwrapped action. */
export function unwrapRoute(route: RouteChoice): RouteChoice {
  return route.kind === "access-manager" && BigInt(route.delaySeconds) === 0n
    ? unwrapRoute(route.member)
    : route;
}

/** The same route, with another one in the place of what {@link unwrapRoute} gives. */
export function rewrapRoute(
  route: RouteChoice,
  inner: RouteChoice,
): RouteChoice {
  return route.kind === "access-manager" && BigInt(route.delaySeconds) === 0n
    ? { ...route, member: rewrapRoute(route.member, inner) }
    : inner;
}
