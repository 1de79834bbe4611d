// A layer over SQLite's file system, only in a test build: it holds writes back until they are synced, tears one in two
// and dies, or fails them.
//
//     SQLite ─ xWrite, xTruncate → image (what this process reads) + list of changes ─ xSync → the real file
//
// All handles of a path in this process share one image, as they would share the kernel's page cache; it outlives the
// last handle while changes wait, as the page cache would. The wal-index (-shm) goes through: SQLite throws it away
// when nobody has the database open. Locks go through. Version 2 methods have no xFetch, so nothing is read around the
// image.
//
// The settings and the list of images are the process's, like the page cache they stand for.

#include "driver/live/journal_fault.h"

#ifdef TEND_FAULTS

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum change_kind { CHANGE_WRITE, CHANGE_TRUNCATE };

struct change {
    struct change *next;
    sqlite3_int64 offset; ///< or the new size
    enum change_kind kind;
    int count;
    char bytes[];
};

struct image {
    struct image *next;
    char *path;
    int users;
    char *bytes;
    sqlite3_int64 size;
    sqlite3_int64 capacity;
    struct change *first;
    struct change *last;
};

struct range {
    uint64_t from; ///< 0: never
    uint64_t to;
};

static struct {
    pthread_mutex_t mutex; ///< guards all of this and the images' contents
    bool registered;
    bool hold;
    struct range fail_write;
    struct range fail_sync;
    uint64_t die_at_write;
    uint64_t slow_sync_ms;
    uint64_t writes;
    uint64_t syncs;
    struct image *images;
} faults = { .mutex = PTHREAD_MUTEX_INITIALIZER };

struct file {
    sqlite3_file base;
    struct image *image; ///< NULL when nothing is held back
    // the real file's memory follows
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)((struct file *)(void *)file + 1);
}

static struct image *image_of(sqlite3_file *file)
{
    return ((struct file *)(void *)file)->image;
}

static void lock(void)
{
    TEND_ASSERT(pthread_mutex_lock(&faults.mutex) == 0);
}

static void unlock(void)
{
    TEND_ASSERT(pthread_mutex_unlock(&faults.mutex) == 0);
}

static bool in_range(struct range range, uint64_t number)
{
    return range.from != 0 && number >= range.from && number <= range.to;
}

// ---- images ----

static void forget_changes(struct image *image)
{
    for (struct change *change = image->first; change != NULL;) {
        struct change *next = change->next;
        free(change);
        change = next;
    }
    image->first = NULL;
    image->last = NULL;
}

static void destroy_image(struct image *image)
{
    struct image **link = &faults.images;
    while (*link != image) {
        link = &(*link)->next;
    }
    *link = image->next;
    forget_changes(image);
    free(image->bytes);
    free(image->path);
    free(image);
}

static struct image *find_image(const char *path)
{
    for (struct image *image = faults.images; image != NULL; image = image->next) {
        if (strcmp(image->path, path) == 0) {
            return image;
        }
    }
    return NULL;
}

static void resize(struct image *image, sqlite3_int64 size)
{
    if (size > image->capacity) {
        const sqlite3_int64 capacity = size * 2;
        image->bytes = realloc(image->bytes, (size_t)capacity);
        TEND_ASSERT(image->bytes != NULL);
        image->capacity = capacity;
    }
    if (size > image->size) {
        memset(image->bytes + image->size, 0, (size_t)(size - image->size));
    }
    image->size = size;
}

static void add_change(struct image *image, enum change_kind kind, const void *bytes, int count, sqlite3_int64 offset)
{
    struct change *change = malloc(sizeof *change + (size_t)count);
    TEND_ASSERT(change != NULL);
    *change = (struct change){ .offset = offset, .kind = kind, .count = count };
    if (count > 0) {
        memcpy(change->bytes, bytes, (size_t)count);
    }
    if (image->last == NULL) {
        image->first = change;
    } else {
        image->last->next = change;
    }
    image->last = change;
}

static int load_image(struct image *image, sqlite3_file *real)
{
    sqlite3_int64 size = 0;
    int result = real->pMethods->xFileSize(real, &size);
    if (result == SQLITE_OK && size > 0) {
        resize(image, size);
        result = real->pMethods->xRead(real, image->bytes, (int)size, 0);
    }
    return result;
}

static int apply_changes(struct image *image, sqlite3_file *real)
{
    int result = SQLITE_OK;
    for (const struct change *change = image->first; change != NULL && result == SQLITE_OK; change = change->next) {
        result = change->kind == CHANGE_WRITE
                     ? real->pMethods->xWrite(real, change->bytes, change->count, change->offset)
                     : real->pMethods->xTruncate(real, change->offset);
    }
    if (result == SQLITE_OK) {
        forget_changes(image);
    }
    return result;
}

// ---- methods of a file ----

static int file_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    struct image *image = image_of(file);
    if (image != NULL) {
        lock();
        image->users--;
        if (image->users == 0 && image->first == NULL) {
            destroy_image(image);
        }
        unlock();
    }
    return real->pMethods->xClose(real);
}

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    const struct image *image = image_of(file);
    if (image == NULL) {
        return real->pMethods->xRead(real, bytes, count, offset);
    }
    lock();
    const sqlite3_int64 there = offset >= image->size ? 0 : image->size - offset;
    const int got = there < count ? (int)there : count;
    if (got > 0) {
        memcpy(bytes, image->bytes + offset, (size_t)got);
    }
    unlock();
    if (got < count) {
        memset((char *)bytes + got, 0, (size_t)(count - got)); // SQLite asks for zeros
        return SQLITE_IOERR_SHORT_READ;
    }
    return SQLITE_OK;
}

// The mutex is held.
static int write_bytes(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    struct image *image = image_of(file);
    if (image == NULL) {
        return real->pMethods->xWrite(real, bytes, count, offset);
    }
    if (offset + count > image->size) {
        resize(image, offset + count);
    }
    memcpy(image->bytes + offset, bytes, (size_t)count);
    add_change(image, CHANGE_WRITE, bytes, count, offset);
    return SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    lock();
    const uint64_t number = ++faults.writes;
    int result = SQLITE_FULL;
    if (number == faults.die_at_write) {
        (void)write_bytes(file, bytes, count / 2, offset);
        (void)raise(SIGKILL);
    } else if (!in_range(faults.fail_write, number)) {
        result = write_bytes(file, bytes, count, offset);
    }
    unlock();
    return result;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    struct image *image = image_of(file);
    if (image == NULL) {
        return real->pMethods->xTruncate(real, size);
    }
    lock();
    resize(image, size);
    add_change(image, CHANGE_TRUNCATE, NULL, 0, size);
    unlock();
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = real_of(file);
    struct image *image = image_of(file);
    const struct timespec longer = { .tv_sec = (time_t)(faults.slow_sync_ms / 1000),
                                     .tv_nsec = (long)(faults.slow_sync_ms % 1000) * 1000000 };
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &longer, NULL);
    lock();
    const uint64_t number = ++faults.syncs;
    int result = SQLITE_OK;
    if (in_range(faults.fail_sync, number)) {
        if (image != NULL) {
            forget_changes(image);
        }
        result = SQLITE_IOERR_FSYNC;
    } else if (image != NULL) {
        result = apply_changes(image, real);
    }
    unlock();
    return result == SQLITE_OK ? real->pMethods->xSync(real, flags) : result;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = real_of(file);
    const struct image *image = image_of(file);
    if (image == NULL) {
        return real->pMethods->xFileSize(real, size);
    }
    lock();
    *size = image->size;
    unlock();
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_reserved_lock(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_device_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int region, int bytes, int extend, void volatile **memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, bytes, extend, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

// ---- the file system ----

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

// The path's image, made from the real file when this is its first handle. The mutex is held. NULL: it cannot be read.
static struct image *share_image(const char *path, sqlite3_file *real)
{
    struct image *image = find_image(path);
    if (image == NULL) {
        image = calloc(1, sizeof *image);
        TEND_ASSERT(image != NULL);
        image->path = strdup(path);
        TEND_ASSERT(image->path != NULL);
        image->next = faults.images;
        faults.images = image;
        if (load_image(image, real) != SQLITE_OK) {
            destroy_image(image);
            return NULL;
        }
    }
    image->users++;
    return image;
}

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags, int *flags_out)
{
    sqlite3_vfs *under = real_vfs(vfs);
    if (path == NULL || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) == 0) {
        return under->xOpen(under, path, file, flags, flags_out); // a temporary file: nobody misses it
    }
    file->pMethods = NULL; // SQLite closes what has methods, and only that
    sqlite3_file *real = real_of(file);
    const int result = under->xOpen(under, path, real, flags, flags_out);
    if (result != SQLITE_OK) {
        return result;
    }
    struct file *made = (struct file *)(void *)file;
    made->image = NULL;
    lock();
    const bool hold = faults.hold;
    if (hold) {
        made->image = share_image(path, real);
    }
    unlock();
    if (hold && made->image == NULL) {
        (void)real->pMethods->xClose(real);
        return SQLITE_IOERR_READ;
    }
    file->pMethods = &file_methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    lock();
    struct image *image = find_image(path);
    if (image != NULL && image->users == 0) {
        destroy_image(image);
    }
    unlock();
    return real_vfs(vfs)->xDelete(real_vfs(vfs), path, sync_directory);
}

// A file whose bytes are all held back has the size 0, which SQLite's own xAccess takes for "not there".
static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *result)
{
    lock();
    const struct image *image = find_image(path);
    const bool there = flags == SQLITE_ACCESS_EXISTS && image != NULL && image->size > 0;
    unlock();
    if (there) {
        *result = 1;
        return SQLITE_OK;
    }
    return real_vfs(vfs)->xAccess(real_vfs(vfs), path, flags, result);
}

static struct range range_from(const char *name)
{
    const char *text = getenv(name); // NOLINT(concurrency-mt-unsafe): a test sets it before it starts tend
    struct range range = { .from = 0 };
    if (text != NULL) {
        char *rest = NULL;
        range.from = strtoull(text, &rest, 10);
        range.to = *rest == '-' ? strtoull(rest + 1, NULL, 10) : range.from;
    }
    return range;
}

// The mutex is held.
static enum tend_status put_in_place(struct tend_error *error)
{
    static sqlite3_vfs vfs; // SQLite keeps it as long as the process lives
    sqlite3_vfs *under = sqlite3_vfs_find(NULL);
    if (under == NULL) {
        tend_error_set(error, "SQLite has no file system");
        return TEND_E_IO;
    }
    vfs = *under; // what is not replaced takes no state from the structure
    vfs.pNext = NULL;
    vfs.zName = "tend-faults";
    vfs.pAppData = under;
    vfs.szOsFile = (int)sizeof(struct file) + under->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) {
        tend_error_set(error, "cannot register the file system of the test build");
        return TEND_E_IO;
    }
    faults.registered = true;
    return TEND_OK;
}

enum tend_status tend_journal_fault_vfs(struct tend_error *error)
{
    lock();
    faults.fail_write = range_from("TEND_FAIL_WRITE");
    faults.fail_sync = range_from("TEND_FAIL_SYNC");
    faults.die_at_write = range_from("TEND_DIE_AT_WRITE").from;
    faults.slow_sync_ms = range_from("TEND_SLOW_SYNC").from;
    faults.hold = faults.fail_sync.from != 0 || faults.slow_sync_ms != 0 || range_from("TEND_DROP_UNSYNCED").from != 0;
    const bool wanted = faults.hold || faults.fail_write.from != 0 || faults.die_at_write != 0;
    const enum tend_status status = wanted && !faults.registered ? put_in_place(error) : TEND_OK;
    unlock();
    return status;
}

#endif
