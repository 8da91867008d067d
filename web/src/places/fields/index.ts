export { type Custom, type Defined, given, lacking, said, typeNames, useFields, valuesOf } from "./data";
export { CustomFields, CustomValues } from "./input";
export { NewFields } from "./new";
