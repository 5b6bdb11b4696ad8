// Who is visiting: the role is in the address, its demo token comes once in the fragment, which browsers never send.

const ROLES = ['reviewer', 'school', 'recruiter', 'learner'];

export function readVisit(window) {
  const address = new URL(window.location.href);
  const asked = address.searchParams.get('role') ?? '';
  const role = ROLES.includes(asked) ? asked : '';
  const key = `countersign:token:${role}`;
  const fresh = new URLSearchParams(address.hash.slice(1)).get('token');
  if (role && fresh) {
    if (fresh !== window.sessionStorage.getItem(key)) {
      forget(window.sessionStorage, role);
      window.sessionStorage.setItem(key, fresh);
    }
    address.hash = '';
    window.history.replaceState(null, '', address.pathname + address.search);
  }
  const token = role ? window.sessionStorage.getItem(key) : null;
  return { role, headers: token ? { Authorization: `Bearer ${token}` } : {} };
}

// Tabs and headers live as long as this browser tab, apart for each role: two roles never see each other's token.
export function visitStorage(storage, role) {
  const prefix = prefixOf(role);
  return {
    getItem: (key) => storage.getItem(prefix + key),
    setItem: (key, value) => storage.setItem(prefix + key, value),
    removeItem: (key) => storage.removeItem(prefix + key),
    clear: () => forget(storage, role),
    get length() {
      return keysOf(storage, prefix).length;
    },
  };
}

function forget(storage, role) {
  for (const key of keysOf(storage, prefixOf(role))) {
    storage.removeItem(key);
  }
}

function prefixOf(role) {
  return `graphiql:${role || 'visitor'}:`;
}

function keysOf(storage, prefix) {
  return Array.from({ length: storage.length }, (_, at) => storage.key(at)).filter((key) => key.startsWith(prefix));
}
