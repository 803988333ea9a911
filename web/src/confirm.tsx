// SPDX-License-Identifier: Apache-2.0
//
// A question before something is gone for good: the browser's own modal dialogue, which keeps the
// focus in and closes with Escape.

import { useEffect, useRef } from "preact/hooks";

interface ConfirmProps {
  question: string;
  detail: string;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

export function Confirm({ question, detail, action, onConfirm, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} class="confirm" onClose={onClose} aria-labelledby="confirm-question">
      <h2 id="confirm-question">{question}</h2>
      <p>{detail}</p>
      <form method="dialog" class="buttons">
        <button type="submit" autofocus>
          Keep
        </button>
        <button type="submit" class="danger" onClick={onConfirm}>
          {action}
        </button>
      </form>
    </dialog>
  );
}
