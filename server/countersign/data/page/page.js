import { TEXTS } from '/page/texts.js';

const KEPT = 'countersign:language';

function chosen() {
  const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(KEPT);
  return asked in TEXTS ? asked : (navigator.language || 'en').startsWith('ru') ? 'ru' : 'en';
}

export function speak(language) {
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll('[data-text]')) {
    place.textContent = TEXTS[language][place.dataset.text];
  }
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === language));
  }
}

for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => {
    localStorage.setItem(KEPT, button.dataset.language);
    speak(button.dataset.language);
  });
}
speak(chosen());
