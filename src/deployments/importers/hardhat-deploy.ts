import {
  findFolders,
  readFolder,
  type FolderFormat,
} from "./deployment-folder.js";
import type { Importer } from "./importer.js";
import { asAddress, asNumber, asFields, asHash, asList } from "./record-file.js";

const format: FolderFormat = {
  tool: "hardhat-deploy",

  firstArgument: (record) => asAddress(asList(record.args)[0]),

  transaction(record) {
    const receipt = asFields(record.receipt);
    const tx = asHash(record.transactionHash ?? receipt?.transactionHash);
    const block = asNumber(receipt?.blockNumber);
    return {
      ...(tx === undefined ? {} : { tx }),
      ...(block === undefined ? {} : { block }),
    };
  },
};

/** hardhat-deploy v1: deployments/NETWORK/NAME.json and `.chainId`. */
export const hardhatDeploy: Importer = {
  tool: format.tool,
  find: async (place) => await findFolders(format.tool, place),
  read: async (place) => {
    const { sources } = await findFolders(format.tool, place);
    const contracts = await Promise.all(
      sources.map(
        async (folder) => await readFolder(format, folder),
      ),
    );
    return contracts.flat();
  },
};
