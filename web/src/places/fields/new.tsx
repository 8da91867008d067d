import type { Problem } from "../../api/client";
import { type Custom, useFields } from "./data";
import { CustomFields } from "./input";

/** NewFields asks for the custom fields of a product that is being made; nothing where none is defined. */
export function NewFields({ values, onChange, problem }: { values: Custom; onChange: (v: Custom) => void; problem?: Problem }) {
  const { fields } = useFields();
  if (fields.length === 0) return null;
  return <CustomFields fields={fields} values={values} onChange={(key, v) => onChange({ ...values, [key]: v })} problem={problem} />;
}
