import { type ReactNode, useState } from "react";
import { FormDialog } from "../../ui/dialog";
import { Field, Textarea } from "../../ui/field";

/** ReasonDialog asks why before something is done; the reason is kept with what was done. */
export function ReasonDialog({
  open,
  onClose,
  title,
  about,
  verb,
  danger,
  hint,
  submit,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  about?: ReactNode;
  verb: string;
  danger?: boolean;
  hint?: string;
  submit: (reason: string) => Promise<unknown>;
  children?: ReactNode;
}) {
  const [reason, setReason] = useState("");
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title={title}
      about={about}
      verb={verb}
      danger={danger}
      submit={async () => {
        await submit(reason.trim());
        setReason("");
      }}
      disabled={!reason.trim()}
    >
      {children}
      <Field label="Reason" hint={hint ?? "Kept with the change, for whoever asks later."}>
        <Textarea value={reason} onChange={(e) => setReason(e.target.value)} rows={3} maxLength={2000} autoFocus required />
      </Field>
    </FormDialog>
  );
}
