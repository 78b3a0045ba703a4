import { addressInWord } from "../../core/hex.js";
import {
  findFolders,
  readFolder,
  type FolderFormat,
} from "./deployment-folder.js";
import type { Importer } from "./importer.js";
import { asAddress, asNumber, asFields, asHash, asText } from "./record-file.js";

const format: FolderFormat = {
  tool: "rocketh",

  /** `argsData` is the encoded constructor arguments. */
  firstArgument(record) {
    const word = asText(record.argsData)?.slice(0, 66) ?? "";
    return /^0x0{24}[0-9a-f]{40}$/i.test(word)
      ? asAddress(addressInWord(word))
      : undefined;
  },

  transaction(record) {
    const transaction = asFields(record.transaction);
    const tx = asHash(transaction?.hash);
    const block = asNumber(asFields(record.receipt)?.blockNumber);
    return {
      ...(tx === undefined ? {} : { tx }),
      ...(block === undefined ? {} : { block }),
    };
  },
};

/** rocketh (hardhat-deploy v2): deployments/NETWORK/NAME.json and `.chain`. */
export const rocketh: Importer = {
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
