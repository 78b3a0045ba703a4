/** Environment variables of one test, put back after it. */
export function useEnvironment(): {
  set(name: string, value: string | undefined): void;
} {
  const before = new Map<string, string | undefined>();
  const write = (name: string, value: string | undefined) => {
    if (value === undefined) {
      Reflect.deleteProperty(process.env, name);
    } else {
      process.env[name] = value;
    }
  };
  afterEach(() => {
    for (const [name, value] of before) {
      write(name, value);
    }
    before.clear();
  });
  return {
    set: (name, value) => {
      if (!before.has(name)) {
        before.set(name, process.env[name]);
      }
      write(name, value);
    },
  };
}
