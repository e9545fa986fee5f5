import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SessError } from '../../src/error.ts'
import {
  checkFolderWritable,
  checkWritable,
  type FileContent,
  type OwnedFolder,
  removePendingFiles,
  writeAtomically,
  writeFolderAtomically,
} from '../../src/io/atomic.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-atomic-'))
  path = join(folder, 'out.txt')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a finished write', () => {
  it.each<[string, FileContent]>([
    ['text', 'hello'],
    ['bytes', Buffer.from('hello')],
    ['parts', [Buffer.from('he'), Buffer.from('llo')]],
    ['a writer', async (to) => writeFileSync(to, 'hello')],
  ])('of %s leaves the file and nothing else', async (_, content) => {
    await writeAtomically(path, content)
    expect(readFileSync(path, 'utf8')).toBe('hello')
    expect(readdirSync(folder)).toEqual(['out.txt'])
  })

  it('gives the writer a hidden name in the same folder with the same extension', async () => {
    let seen = ''
    await writeAtomically(path, async (to) => {
      seen = to
      writeFileSync(to, '')
    })
    expect(dirname(seen)).toBe(folder)
    expect(basename(seen).startsWith('.')).toBe(true)
    expect(extname(seen)).toBe('.txt')
  })

  it('replaces an old file, its permissions kept', async () => {
    writeFileSync(path, 'old')
    chmodSync(path, 0o640)
    await writeAtomically(path, 'new')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  it('writes through a symbolic link', async () => {
    mkdirSync(join(folder, 'there'))
    writeFileSync(join(folder, 'there', 'real.txt'), 'old')
    symlinkSync(join(folder, 'there', 'real.txt'), path)
    await writeAtomically(path, 'new')
    expect(readFileSync(join(folder, 'there', 'real.txt'), 'utf8')).toBe('new')
    expect(readdirSync(join(folder, 'there'))).toEqual(['real.txt'])
  })

  it('fits where the name is as long as a file system allows', async () => {
    const long = join(folder, `${'n'.repeat(251)}.txt`)
    await writeAtomically(long, 'hello')
    expect(readFileSync(long, 'utf8')).toBe('hello')
  })
})

describe('a failed write', () => {
  const halfway = async (to: string) => {
    writeFileSync(to, 'half')
    throw new Error('disk on fire')
  }

  it('keeps the old file, leaves no other, and says why', async () => {
    writeFileSync(path, 'old')
    const failure = writeAtomically(path, halfway)
    await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', cause: { message: 'disk on fire' } })
    await expect(failure).rejects.toThrow(path)
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['out.txt'])
  })

  it('passes on an error with a code', async () => {
    const failure = writeAtomically(path, async () => {
      throw new SessError('OUT_OF_MEMORY', 'no')
    })
    await expect(failure).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
  })

  it('aborted before or during: nothing is left', async () => {
    await expect(writeAtomically(path, 'x', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    const controller = new AbortController()
    const failure = writeAtomically(
      path,
      async (to) => {
        writeFileSync(to, 'half')
        controller.abort()
      },
      { signal: controller.signal },
    )
    await expect(failure).rejects.toMatchObject({ code: 'ABORTED' })
    const bytes = writeAtomically(path, [Buffer.alloc(1 << 22)], { signal: controller.signal })
    await expect(bytes).rejects.toMatchObject({ code: 'ABORTED' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('temporary files of writes under way can be removed at once', async () => {
    await writeAtomically(path, async (to) => {
      writeFileSync(to, 'half')
      removePendingFiles()
      expect(readdirSync(folder)).toEqual([])
      writeFileSync(to, 'whole')
    })
    expect(readFileSync(path, 'utf8')).toBe('whole')
  })
})

describe('places that cannot be written', () => {
  it.each<[string, () => string, RegExp]>([
    ['a missing folder', () => join(folder, 'none', 'a.txt'), /the folder .*none does not exist/],
    ['a file as a folder', () => join(import.meta.filename, 'a.txt'), /is not a folder/],
    ['a folder', () => folder, /is a folder/],
    ['a device', () => '/dev/null', /is not a regular file/],
  ])('%s is found early', async (_, place, message) => {
    for (const attempt of [checkWritable, (to: string) => writeAtomically(to, 'x')]) {
      const failure = attempt(place())
      await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
      await expect(failure).rejects.toThrow(message)
    }
  })

  it.skipIf(process.getuid?.() === 0)('write protection is found early', async () => {
    writeFileSync(path, 'old')
    chmodSync(path, 0o444)
    await expect(checkWritable(path)).rejects.toThrow(/write-protected/)
    chmodSync(folder, 0o555)
    await expect(checkWritable(join(folder, 'other'))).rejects.toThrow(/write-protected/)
    chmodSync(folder, 0o755)
  })
})

describe('a folder', () => {
  const owns: OwnedFolder = { what: 'folio', mark: 'a.txt', names: new Set(['a.txt', 'b.txt']) }
  const fill = (text: string) => async (to: string) => {
    writeFileSync(join(to, 'a.txt'), text)
    writeFileSync(join(to, 'b.txt'), text)
  }
  const at = () => join(folder, 'out.folio')
  const content = () => readdirSync(at()).map((name) => `${name} ${readFileSync(join(at(), name), 'utf8')}`)

  it('is written whole, and nothing else', async () => {
    await writeFolderAtomically(at(), fill('new'), { owns })
    expect(content()).toEqual(['a.txt new', 'b.txt new'])
    expect(readdirSync(folder)).toEqual(['out.folio'])
    expect(statSync(at()).mode & 0o777).toBe(0o777 & ~process.umask())
  })

  it('replaces one of its kind, the permissions kept, also behind a link', async () => {
    await writeFolderAtomically(at(), fill('old'), { owns })
    chmodSync(at(), 0o750)
    symlinkSync(at(), join(folder, 'link'))
    await writeFolderAtomically(join(folder, 'link'), fill('new'), { owns })
    expect(content()).toEqual(['a.txt new', 'b.txt new'])
    expect(statSync(at()).mode & 0o777).toBe(0o750)
    expect(readdirSync(folder).sort()).toEqual(['link', 'out.folio'])
  })

  it('keeps the old one, and leaves no other, where filling fails midway', async () => {
    await writeFolderAtomically(at(), fill('old'), { owns })
    const failure = writeFolderAtomically(
      at(),
      async (to) => {
        writeFileSync(join(to, 'a.txt'), 'half')
        throw new Error('disk on fire')
      },
      { owns },
    )
    await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', cause: { message: 'disk on fire' } })
    expect(content()).toEqual(['a.txt old', 'b.txt old'])
    expect(readdirSync(folder)).toEqual(['out.folio'])
  })

  it('keeps the old one where it is stopped, before or during', async () => {
    await writeFolderAtomically(at(), fill('old'), { owns })
    const aborted = { owns, signal: AbortSignal.abort() }
    await expect(writeFolderAtomically(at(), fill('new'), aborted)).rejects.toMatchObject({ code: 'ABORTED' })
    const controller = new AbortController()
    const during = async (to: string) => {
      await fill('new')(to)
      controller.abort()
    }
    const stopped = writeFolderAtomically(at(), during, { owns, signal: controller.signal })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    expect(content()).toEqual(['a.txt old', 'b.txt old'])
    expect(readdirSync(folder)).toEqual(['out.folio'])
  })

  it('under way can be removed at once', async () => {
    const failure = writeFolderAtomically(
      at(),
      async (to) => {
        await fill('half')(to)
        removePendingFiles()
        expect(readdirSync(folder)).toEqual([])
      },
      { owns },
    )
    await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes the place of nothing that came while it was filled', async () => {
    const failure = writeFolderAtomically(
      at(),
      async (to) => {
        await fill('new')(to)
        mkdirSync(at())
        writeFileSync(join(at(), 'mine.txt'), 'mine')
      },
      { owns },
    )
    await expect(failure).rejects.toThrow(/is a folder and no folio/)
    expect(content()).toEqual(['mine.txt mine'])
    expect(readdirSync(folder)).toEqual(['out.folio'])
  })

  it.each<[string, () => void, RegExp]>([
    ['a file', () => writeFileSync(at(), 'x'), /is there and no folio/],
    ['an empty folder', () => mkdirSync(at()), /is a folder and no folio/],
    [
      "a folder of another's files",
      () => {
        mkdirSync(at())
        writeFileSync(join(at(), 'b.txt'), 'x')
      },
      /is a folder and no folio/,
    ],
    [
      'one with something beside',
      () => {
        mkdirSync(join(at(), 'mine'), { recursive: true })
        writeFileSync(join(at(), 'a.txt'), 'x')
      },
      /is a folio and holds mine, which is no part of it/,
    ],
  ])('does not replace %s', async (_, put, why) => {
    put()
    const attempts = [() => checkFolderWritable(at(), owns), () => writeFolderAtomically(at(), fill('new'), { owns })]
    for (const attempt of attempts) {
      const failure = attempt()
      await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
      await expect(failure).rejects.toThrow(why)
    }
    expect(readdirSync(folder)).toEqual(['out.folio'])
  })

  it('needs a folder to be in', async () => {
    await expect(checkFolderWritable(join(folder, 'none/x'), owns)).rejects.toThrow(/the folder .*none does not exist/)
  })
})
