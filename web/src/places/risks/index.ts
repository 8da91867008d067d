export { Comments } from "./comments";
export { CountermeasureDrawer } from "./countermeasure-drawer";
export type { DrawerProps } from "./frame";
export { Categories, CommentCount, EvidenceBadge, StateBadge, TicketBadge } from "./marks";
export { OwnerField, OwnerPicker, usePeople } from "./people";
export { StateMenu, StatusMenu } from "./states";
export { ThreatDrawer } from "./threat-drawer";
