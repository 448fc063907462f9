// Passkeys. A form marked data-passkey ("get" or "create") is shown where the browser knows them; its button asks for
// one with the options beside it, puts the answer into the field "credential" and sends the form.
"use strict";
(() => {
  const octets = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((each) => ({ ...each, id: octets(each.id) }));

  function asked(options) {
    const all = { ...options, challenge: octets(options.challenge) };
    if (options.user) all.user = { ...options.user, id: octets(options.user.id) };
    if (options.allowCredentials) all.allowCredentials = known(options.allowCredentials);
    if (options.excludeCredentials) all.excludeCredentials = known(options.excludeCredentials);
    return all;
  }

  function answer(shown) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (shown.response[name]) response[name] = text(shown.response[name]);
    }
    return JSON.stringify({
      id: shown.id,
      rawId: text(shown.rawId),
      type: shown.type,
      response,
      clientExtensionResults: shown.getClientExtensionResults(),
    });
  }

  async function ask(form) {
    const publicKey = asked(JSON.parse(form.dataset.options).publicKey);
    const failed = form.querySelector("[data-failed]");
    failed.hidden = true;
    try {
      form.elements.credential.value = answer(await navigator.credentials[form.dataset.passkey]({ publicKey }));
      form.submit();
    } catch {
      failed.hidden = false;
    }
  }

  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
  }
})();
