// The count of offers, live, in the title and on the badges. One tab holds the stream and tells the others:
// browsers allow six connections to a host, and each tab would take one for as long as it is open.
"use strict";
(() => {
  const address = document.body.dataset.live;
  if (!address || !window.EventSource) return;
  const title = document.title;
  let count = Number(document.querySelector("[data-count=inbox] b")?.textContent || 0);

  const show = (news) => {
    const offers = news.offers;
    for (const badge of document.querySelectorAll("[data-count=inbox]")) {
      badge.querySelector("b").textContent = offers;
      badge.hidden = offers === 0;
    }
    document.title = offers > 0 ? `(${offers}) ${title}` : title;
    if (offers > count) {
      window.leadpact.toast(offers - count === 1 ? "A new offer came in." : `${offers - count} new offers came in.`, "/distribution/", "Open the inbox");
    }
    if (offers !== count) document.body.dispatchEvent(new CustomEvent("offers", { detail: news, bubbles: true }));
    count = offers;
  };
  if (count > 0) document.title = `(${count}) ${title}`;

  const channel = window.BroadcastChannel ? new BroadcastChannel("leadpact.live") : null;
  channel?.addEventListener("message", (event) => show(event.data));

  const listen = () => new Promise(() => {
    const stream = new EventSource(address);
    stream.addEventListener("count", (event) => {
      const news = JSON.parse(event.data);
      show(news);
      channel?.postMessage(news);
    });
  });
  if (channel && navigator.locks) navigator.locks.request("leadpact.live", listen);
  else listen();
})();
