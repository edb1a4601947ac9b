// Places in texts: geo: URIs (RFC 5870).

export interface Place {
  lat: number;
  lon: number;
}

// latitude, longitude, altitude, and parameters that do not matter here
const geo = /^geo:(-?\d{1,2}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)(?:,-?\d{1,6}(?:\.\d{1,6})?)?(?:;[\w-]+(?:=[\w.:%~+-]*)?){0,8}$/i;

/** The place that a text is, if it is a geo: URI and nothing else. */
export function placeIn(text: string): Place | null {
  const m = text.length > 200 || !/^\s*geo:/i.test(text) ? null : geo.exec(text.trim());
  if (!m) return null;
  const [lat, lon] = [Number(m[1]), Number(m[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && !/;crs=(?!wgs84)/i.test(text) ? { lat, lon } : null;
}

export const geoURI = (p: Place) => `geo:${p.lat.toFixed(5)},${p.lon.toFixed(5)}`;
