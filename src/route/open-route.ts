import { ManagedRoute } from "./access-manager/managed-route.js";
import type { RouteChoice } from "./choice.js";
import type { OpenRoute, Route } from "./route.js";
import type { SafeRoutePorts } from "./safe/ports.js";
import { SafeRoute } from "./safe/safe-route.js";
import { TimelockRoute } from "./timelock/timelock-route.js";

/** Opens routes, those inside others too. */
export function createOpenRoute(ports: SafeRoutePorts): OpenRoute {
  const openRoute = (choice: RouteChoice): Route => {
    switch (choice.kind) {
      case "direct":
        return ports.openDirect(choice.from);
      case "timelock":
        return new TimelockRoute({ rpc: ports.rpc, openRoute }, choice);
      case "access-manager":
        return new ManagedRoute({ rpc: ports.rpc, openRoute }, choice);
      case "safe":
        return new SafeRoute(ports, choice);
    }
  };
  return openRoute;
}
