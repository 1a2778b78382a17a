import { insist, token } from './post.js';

/** Posts what somebody has typed, and empties the line at once. What the server refuses is put back, with the reason. */
export function postForm(form, path) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    const input = form.elements.headline ?? form.elements.text;
    input.value = '';
    input.focus();
    insist(path, { ...fields, key: token() }).catch((error) => {
      input.value = fields.headline ?? fields.text;
      input.setCustomValidity(error.message);
      input.reportValidity();
    });
  });
  form.addEventListener('input', ({ target }) => target.setCustomValidity(''));
}
