// Every text of the page that accepts an invitation, in both languages. The tests hold the keys equal.

export const TEXTS = {
  en: {
    title: 'Join an organization',
    looking: 'Looking at your invitation …',
    none: 'There is no invitation here. Open the whole link that you were given.',
    signIn: 'Sign in with the address for which the invitation was made; then you can join.',
    with: 'Sign in with',
    ready: 'You are signed in. Join with this account?',
    join: 'Join',
    joined: 'You are a member of',
    refused: 'You did not join.',
    away: 'The service does not answer. Try again in a minute.',
    back: 'To the first page',
  },
  ru: {
    title: 'Вступить в организацию',
    looking: 'Проверяем приглашение …',
    none: 'Здесь нет приглашения. Откройте ссылку целиком, как вам её дали.',
    signIn: 'Войдите под адресом, на который сделано приглашение, и тогда сможете вступить.',
    with: 'Войти через',
    ready: 'Вы вошли. Вступить с этой учётной записью?',
    join: 'Вступить',
    joined: 'Теперь вы участник организации',
    refused: 'Вступить не получилось.',
    away: 'Сервис не отвечает. Попробуйте через минуту.',
    back: 'На главную',
  },
};
