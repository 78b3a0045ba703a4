import type { Rpc } from "../chain/rpc.js";
import type { Address } from "../core/hex.js";
import { ManagedRoute } from "./access-manager/managed-route.js";
import type { RouteChoice } from "./choice.js";
import type { DirectRoute } from "./direct/direct-route.js";
import type { OpenRoute, Route } from "./route.js";
import { TimelockRoute } from "./timelock/timelock-route.js";

/** What all routes together need. */
export interface RoutePorts {
  readonly rpc: Rpc;
  readonly openDirect: (from: Address) => DirectRoute;
}

/** Opens routes, those inside others too. */
export function createOpenRoute(ports: RoutePorts): OpenRoute {
  const openRoute = (choice: RouteChoice): Route => {
    switch (choice.kind) {
      case "direct":
        return ports.openDirect(choice.from);
      case "timelock":
        return new TimelockRoute({ rpc: ports.rpc, openRoute }, choice);
      case "access-manager":
        return new ManagedRoute({ rpc: ports.rpc, openRoute }, choice);
    }
  };
  return openRoute;
}
