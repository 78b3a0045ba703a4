const DECIMALS = 18;

/** Wei, as decimal digits with a sign, in ether: `-0.0021`. */
export function formatEther(wei: string): string {
  const negative = wei.startsWith("-");
  const digits = wei.replace("-", "").padStart(DECIMALS + 1, "0");
  const whole = digits.slice(0, -DECIMALS);
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`} ETH`;
}
