/** Names stand on command lines: no spaces, no `=`, no dots. */
export const CONTRACT_NAME = /^[A-Za-z_$][\w$-]*$/;
