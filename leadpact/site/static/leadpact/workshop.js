// The workshop's sliders. Each stands beside a number that is the form's own field; whichever moves, the other follows, and the
// form asks for the figures anew. Without this the numbers are typed and "Show" is pressed.
"use strict";

(() => {
  const form = document.getElementById("turn");
  if (!form) return;

  const settle = (turner) => {
    const [slider, number] = turner.querySelectorAll("input");
    const value = Number(number.value);
    if (number.value === "" || !Number.isInteger(value)) return false;
    // A number beyond the slider's ends stretches it.
    if (value < Number(slider.min)) slider.min = value;
    if (value > Number(slider.max)) slider.max = value;
    slider.value = value;
    turner.classList.toggle("moved", value !== Number(turner.dataset.was));
    return number.checkValidity();
  };

  for (const turner of document.querySelectorAll("[data-turner]")) {
    const [slider, number] = turner.querySelectorAll("input");
    slider.hidden = false;
    settle(turner);
    slider.addEventListener("input", () => {
      number.value = slider.value;
      settle(turner);
      form.dispatchEvent(new Event("turned"));
    });
    number.addEventListener("input", () => {
      if (settle(turner)) form.dispatchEvent(new Event("turned"));
    });
  }
  const capacity = document.querySelector("input[name=capacity]");
  capacity?.addEventListener("input", () => {
    if (capacity.checkValidity()) form.dispatchEvent(new Event("turned"));
  });

  // Only what was moved goes into the request and the address.
  const unmoved = (name, value) => {
    const field = document.getElementById(`n-${name}`);
    return field ? value === field.closest("[data-turner]").dataset.was : name === "capacity" && value === "";
  };
  form.addEventListener("htmx:configRequest", (event) => {
    const asked = event.detail.formData ?? event.detail.parameters;
    for (const [name, value] of [...asked.entries()]) if (unmoved(name, String(value))) asked.delete(name);
  });
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData.entries()]) if (unmoved(name, String(value))) event.formData.delete(name);
  });
})();
