/** Who is told of an incident, in the order of escalation. */
export const ROLES = [
  "onCallEngineer",
  "devopsLead",
  "securityLead",
  "cto",
] as const;

export type Role = (typeof ROLES)[number];

/** For people. */
export const ROLE_TITLES: Readonly<Record<Role, string>> = {
  onCallEngineer: "on-call engineer",
  devopsLead: "DevOps lead",
  securityLead: "security lead",
  cto: "CTO",
};

/** How one can be reached. */
export const CHANNELS = ["phone", "slack", "pagerduty", "email"] as const;

/** Somebody who can be reached by at least one channel. */
export type Contact = {
  readonly role: Role;
  readonly name?: string;
} & Readonly<Partial<Record<(typeof CHANNELS)[number], string>>>;
