// What every page needs: the CSRF token on htmx requests, and a notice when one of them fails.

export const csrfToken = document.querySelector('meta[name="csrf-token"]').content;
export const cspNonce = document.querySelector('meta[name="csp-nonce"]').content;

/** Show a short message for a while; it is read out by screen readers. */
export function notify(message) {
  const notice = document.getElementById("notice");
  notice.textContent = message;
  notice.classList.add("shown");
  window.setTimeout(() => notice.classList.remove("shown"), 6000);
}

/** Fetch JSON of this application; on failure show the server's own words and throw. */
export async function fetchJson(address, options = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken, ...options.headers };
  const response = await fetch(address, { ...options, headers });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    notify(body?.error?.message ?? document.getElementById("notice").dataset.failed);
    throw new Error(`${response.status} from ${address}`);
  }
  return response.json();
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken;
});

for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, (event) => {
    let message = document.getElementById("notice").dataset.failed;
    try {
      message = JSON.parse(event.detail.xhr.responseText).error.message;
    } catch {
      // Not our JSON (a proxy's page, or no answer at all): the general words stand.
    }
    notify(message);
  });
}

// Of the pages of an area, this one is in sight also where the line is scrolled.
document.querySelector(".area-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Filters that apply at once: <select data-submit>.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// Acts that cannot be undone ask first: <form data-confirm="…">.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// What a review page kept in this browser for an interrupted connection goes with its owner.
document.addEventListener("submit", (event) => {
  if (!event.target.action?.endsWith("/logout")) return;
  for (const key of Object.keys(window.localStorage)) {
    if (key.startsWith("hotline.review.")) window.localStorage.removeItem(key);
  }
});
