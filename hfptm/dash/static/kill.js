// The kill switch: asked for, given a reason, confirmed. It is lifted at a shell only.

import { by, setText, show } from "./dom.js";

async function told(answer) {
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `the monitor answered ${answer.status}`);
  return body;
}

async function throwSwitch(reason) {
  const { token } = await told(await fetch("/kill-token", { cache: "no-store" }));
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const body = JSON.stringify({ reason });
  return told(await fetch("/kill", { method: "POST", headers, body }));
}

export class KillSwitch {
  constructor() {
    this.dialog = by("kill");
    this.form = by("kill-form");
    by("kill-open").addEventListener("click", () => this.#ask());
    by("kill-cancel").addEventListener("click", () => this.dialog.close());
    this.form.addEventListener("submit", (event) => this.#confirmed(event));
  }

  update(state) {
    show(by("kill-open"), state.can_kill && state.mode !== "record");
    by("kill-open").disabled = Boolean(state.killed);
    setText(by("kill-word"), state.killed ? "Killed" : "Kill");
  }

  #ask() {
    this.form.reset();
    this.#say("");
    this.dialog.showModal();
    by("kill-reason").focus();
  }

  async #confirmed(event) {
    event.preventDefault();
    const confirm = by("kill-confirm");
    confirm.disabled = true;
    this.#say("Throwing it…");
    try {
      await throwSwitch(by("kill-reason").value.trim());
      this.dialog.close();
    } catch (error) {
      this.#say(`It was NOT thrown: ${error.message}. At a shell: hfptm kill "why"`);
    } finally {
      confirm.disabled = false;
    }
  }

  #say(text) {
    setText(by("kill-said"), text);
  }
}
