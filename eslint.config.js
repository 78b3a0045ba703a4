import { importX, createNodeResolver } from "eslint-plugin-import-x";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const SHARED = ["core", "chain", "run"];
const GOVERNANCE = ["safe", "timelock"];
const FACTS = ["proxy", "implementation", "deployments", ...GOVERNANCE];
const POWERS = ["authority", "route"];

/**
 * The folders of src/ and what each may import, types included: only floors
 * below, never a neighbour. docs/architecture.md shows the house.
 */
const FLOORS = {
  core: [],
  artifact: ["core"],
  config: ["core", "chain"],
  backup: ["core", "config", "artifact"],
  offsite: ["core", "config", "artifact"],
  database: ["core", "config", "artifact", "backup", "run"],
  notify: ["core", "config"],
  chain: ["core"],
  run: ["core"],
  proxy: ["core", "chain"],
  implementation: ["core", "chain"],
  deployments: ["core", "chain"],
  safe: ["core", "chain"],
  timelock: ["core", "chain"],
  authority: ["core", "chain", "proxy", "safe"],
  route: [...SHARED, ...GOVERNANCE, "authority"],
  recovery: ["config", ...SHARED, ...FACTS, ...POWERS],
  snapshot: ["config", "artifact", ...SHARED, ...FACTS, ...POWERS, "recovery"],
  rehearsal: ["config", ...SHARED, ...FACTS, ...POWERS, "recovery"],
  incident: ["core", "run", "safe", "deployments", "route", "recovery"],
  "restore-test": [
    "core",
    "config",
    "artifact",
    "backup",
    "offsite",
    "database",
    "snapshot",
  ],
  schedule: ["core", "config"],
  session: [
    "config",
    "artifact",
    "backup",
    ...SHARED,
    ...FACTS,
    ...POWERS,
    "recovery",
    "snapshot",
    "rehearsal",
  ],
  drill: [
    "config",
    "artifact",
    "backup",
    "offsite",
    "database",
    ...SHARED,
    ...FACTS,
    ...POWERS,
    "recovery",
    "snapshot",
    "rehearsal",
    "session",
  ],
  testing: [...SHARED, ...FACTS, ...POWERS, "recovery", "session"],
  readiness: [
    "config",
    "artifact",
    "backup",
    "offsite",
    "database",
    ...SHARED,
    ...FACTS,
    ...POWERS,
    "recovery",
  ],
  history: ["core", "config", "readiness", "incident"],
};

/** What of src/ may touch Hardhat itself, and not only its types. */
const HARDHAT_FACING = [
  "src/index.ts",
  "src/type-extensions.ts",
  "src/testing.ts",
  "src/testing/**",
  "src/hooks/**",
];

const NO_HARDHAT = {
  regex: "^(hardhat|@nomicfoundation)(/|$)",
  allowTypeImports: true,
  message:
    "Take what is needed as an argument; only tasks and hooks know Hardhat.",
};
const NO_OTHER_CHAIN_LIBRARY = {
  regex: "^(ethers|viem|ox)$",
  message: 'Import from a subpath of ox, such as "ox/Hash".',
};

export default defineConfig(
  globalIgnores([
    "dist/",
    "artifacts/",
    "cache/",
    "coverage/",
    "test/fixtures/",
    "test/package/project/",
  ]),
  {
    files: ["**/*.{js,mjs,ts}"],
    extends: [
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
    ],
    plugins: { "import-x": importX },
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ["*.js", "scripts/*.mjs", "test/anvil/*.mjs"],
        },
      },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    settings: {
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
      "import-x/resolver-next": [
        createNodeResolver({
          extensions: [".ts", ".js"],
          extensionAlias: { ".js": [".ts", ".js"] },
        }),
      ],
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": [
        "error",
        { disallowTypeAnnotations: false },
      ],
      // `verify(): void | Promise<void>`
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      curly: "error",
      eqeqeq: "error",
      "import-x/no-cycle": "error",
      "no-warning-comments": "error",
    },
  },
  {
    files: ["**/*.{js,mjs}"],
    extends: [tseslint.configs.disableTypeChecked],
  },
  {
    files: ["src/**", "tasks/**"],
    rules: {
      "import-x/no-restricted-paths": [
        "error",
        {
          zones: [
            ...Object.entries(FLOORS).map(([floor, below]) => ({
              target: `./src/${floor}`,
              from: "./src",
              except: [floor, ...below].map((name) => `./${name}`),
              message: `src/${floor} may import from ${below.length === 0 ? "nowhere else" : below.join(", ")}.`,
            })),
            {
              // index.ts alone lists the tasks.
              target: "./src/!(index.ts)/**",
              from: ["./tasks", "./contracts", "./test", "./scripts"],
              message: "src/ stands on its own.",
            },
          ],
        },
      ],
      "no-console": "error",
      "no-restricted-properties": [
        "error",
        {
          object: "process",
          property: "exit",
          message: "Set process.exitCode.",
        },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector:
            ":matches(NewExpression, CallExpression)[callee.name=/^(Error|TypeError|RangeError)$/]",
          message: "Throw a DrError: it has a code and a way out.",
        },
      ],
    },
  },
  {
    files: ["src/**"],
    rules: { "@typescript-eslint/explicit-module-boundary-types": "error" },
  },
  {
    // Hardhat's types are extended by interfaces with nothing new in them.
    files: ["src/type-extensions.ts"],
    rules: { "@typescript-eslint/no-empty-object-type": "off" },
  },
  {
    files: ["src/**"],
    ignores: HARDHAT_FACING,
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { patterns: [NO_HARDHAT, NO_OTHER_CHAIN_LIBRARY] },
      ],
    },
  },
  {
    files: ["src/display/**"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            NO_HARDHAT,
            NO_OTHER_CHAIN_LIBRARY,
            {
              regex: "^\\.\\./(?!(\\.\\./)*core/)",
              allowTypeImports: true,
              message:
                "src/display formats what it is given: import types only.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["tasks/*.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^(?!hardhat/|\\./(?!actions/))",
              allowTypeImports: true,
              message:
                "A task's declaration is loaded at every start of Hardhat; import the rest in its action.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["test/**"],
    rules: {
      // chai's `expect(x).to.be.true`
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
);
