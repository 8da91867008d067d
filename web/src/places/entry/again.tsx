import { Dialog as D } from "radix-ui";
import { useMe, useSignOut } from "../../app/session";
import { toastError } from "../../ui/toast";
import { Credentials } from "./entry";

/**
 * Again asks for the password when the session ended while a place was open. What
 * is on the page, also what was not sent yet, stays as it is behind it.
 */
export default function Again() {
  const me = useMe();
  const signOut = useSignOut();
  return (
    <D.Root open>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-50 bg-bg/80 backdrop-blur-sm" />
        <D.Content
          data-modal
          aria-describedby={undefined}
          onEscapeKeyDown={(e) => e.preventDefault()}
          onInteractOutside={(e) => e.preventDefault()}
          className="card fixed start-1/2 top-[14vh] z-50 w-[calc(100vw-2rem)] max-w-sm -translate-x-1/2 p-5 shadow-float rtl:translate-x-1/2"
        >
          <D.Title className="font-semibold text-lg">Your session ended</D.Title>
          <p className="mt-1 mb-4 text-sm text-soft">Sign in again to go on where you are. Nothing on this page is lost.</p>
          <Credentials first={false} email={me?.email} />
          <button type="button" className="link mt-3 text-sm" onClick={() => void signOut().catch(toastError)}>
            Sign in as somebody else
          </button>
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}
